/* Steps of training. A batch is cut into chunks, a chunk into units of at most `rows` rows, by
   what is in it and not by the number of threads; a chunk's units add up in its own gradient, and
   chunks are summed by pairs. So any number of threads gives the same bytes. */

typedef struct {
    Model *model;
    Documents documents;
    const int64_t *counts;    /* documents of each step */
    const int64_t *positions; /* what each step's loss is divided by */
    const double *lrs;
    double *losses;
    idx steps;
    double first_step;
    Barrier barrier;
} Job;

/* How many chunks `rows` rows make: a power of two, chunks of at least 48 rows. */
static idx chunks_for(idx rows)
{
    idx n = 1;
    while (n < MOST_CHUNKS && rows >= 2 * n * 48)
        n *= 2;
    return n;
}

INLINE idx rows_before(Documents d, idx first, idx i)
{
    return (idx)(d.offsets[i] - d.offsets[first]) - (i - first);
}

/* The first document of chunk c: where c / chunks of the rows have gone by, as nearly as can be. */
static idx chunk_start(Documents d, idx first, idx last, idx c, idx chunks)
{
    idx aim = c * rows_before(d, first, last), i = first;
    while (i < last && (rows_before(d, first, i) + rows_before(d, first, i + 1)) * chunks < 2 * aim)
        i++;
    return c == chunks ? last : i;
}

/* How many of the documents from `first` on fit into one unit. */
static idx unit_of(const Shape *s, Documents d, idx first, idx last)
{
    idx next = first + 1;
    while (next < last && next - first < s->rows && rows_before(d, first, next + 1) <= s->rows)
        next++;
    return next - first;
}

/* Gradient (in g) and summed loss of documents first ... last - 1. */
static double gradient(const Model *model, Work *k, Documents d, idx first, idx last,
                       double positions, REAL *g)
{
    const Shape *s = &model->s;
    double loss = 0;
    int mode = SET;
    for (idx i = 0; i < s->lm_head; i += LANES)
        store(g + i, (vec){0}); /* wte and wpe are always added to */
    while (first < last) {
        idx count = unit_of(s, d, first, last);
        idx N = gather(k, d, first, first + count, 1);
        forward(model, k, N, count);
        loss += d.weights ? weighted_cross_entropy(model, k, N, positions,
                                                   d.weights + rows_before(d, 0, first))
                          : cross_entropy(model, k, N, positions);
        backward(model, k, N, count, g, mode);
        mode = ADD;
        first += count;
    }
    if (mode == SET)
        for (idx i = s->lm_head; i < s->total; i += LANES)
            store(g + i, (vec){0});
    return loss;
}

/* What thread `me` does of a batch: the gradients of its chunks, which lie side by side, and of
   their sum what it can do alone. Chunks are summed by pairs, then pairs by pairs; what one thread
   computed is still in its cache, and the others have less to fetch. Returns how far apart the
   sums are; `update` goes on in the same order. */
static idx chunks_of(Job *job, idx first, idx last, double positions, idx chunks, int me,
                     int threads)
{
    Model *model = job->model;
    for (idx c = me * chunks / threads; c < (me + 1) * chunks / threads; c++) {
        idx from = chunk_start(job->documents, first, last, c, chunks);
        idx to = chunk_start(job->documents, first, last, c + 1, chunks);
        model->chunk_loss[c] =
            gradient(model, &model->work[me], job->documents, from, to, positions, model->chunk[c]);
    }
    idx apart = 1;
    for (; apart < chunks && chunks / apart / 2 % threads == 0; apart *= 2)
        for (idx c = me * chunks / threads; c < (me + 1) * chunks / threads; c += 2 * apart)
            for (idx i = 0; i < model->s.total; i += LANES) {
                REAL *sum = model->chunk[c] + i;
                store(sum, load(sum) + load(model->chunk[c + apart] + i));
            }
    return apart;
}

/* Summed loss of documents first ... last - 1, without a gradient. */
static double loss_alone(const Model *model, Work *k, Documents d, idx first, idx last)
{
    double loss = 0;
    while (first < last) {
        idx count = unit_of(&model->s, d, first, last);
        idx N = gather(k, d, first, first + count, 1);
        forward(model, k, N, count);
        loss += cross_entropy(model, k, N, 1);
        first += count;
    }
    return loss;
}

/* The summed loss of each chunk of the job's `steps` documents, by all threads. */
static void measure(void *the_job, int me, int threads)
{
    Job *job = the_job;
    for (idx c = me; c < MOST_CHUNKS; c += threads) {
        idx from = chunk_start(job->documents, 0, job->steps, c, MOST_CHUNKS);
        idx to = chunk_start(job->documents, 0, job->steps, c + 1, MOST_CHUNKS);
        job->model->chunk_loss[c] =
            loss_alone(job->model, &job->model->work[me], job->documents, from, to);
    }
}

static double loss_of(const Model *model, idx chunks, double positions)
{
    double loss = 0;
    for (idx c = 0; c < chunks; c++)
        loss += model->chunk_loss[c];
    return loss / positions;
}

/* As many threads as the largest batch has chunks: one more would only wait. */
static int threads_for(const Job *job)
{
    idx first = 0, most = 1;
    for (idx step = 0; step < job->steps; step++) {
        idx last = first + (idx)job->counts[step];
        idx chunks = chunks_for(rows_before(job->documents, first, last));
        most = chunks > most ? chunks : most;
        first = last;
    }
    return most < job->model->config.threads ? (int)most : job->model->config.threads;
}

static void train(void *the_job, int me, int threads)
{
    Job *job = the_job;
    Model *model = job->model;
    idx first = 0;
    uint64_t before = flush_tiny();
    for (idx step = 0; step < job->steps; step++) {
        idx last = first + (idx)job->counts[step];
        idx chunks = chunks_for(rows_before(job->documents, first, last));
        double positions = (double)job->positions[step];
        idx apart = chunks_of(job, first, last, positions, chunks, me, threads);
        wait_for_all(&job->barrier);
        if (me == 0)
            job->losses[step] = loss_of(model, chunks, positions);
        Update u = update_of(model, model->chunk, chunks, apart, job->lrs[step],
                             job->first_step + (double)step + 1);
        update(model, &u, me, threads);
        wait_for_all(&job->barrier);
        first = last;
    }
    flush_as(before);
}
