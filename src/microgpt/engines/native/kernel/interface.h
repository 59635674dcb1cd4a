/* What the outside calls. Sizes and documents are checked before any work; nothing is changed
   when a call is refused. Indices are int32 or pointers to int64 so that JavaScript needs no
   BigInt arguments. */

enum Refusal {
    FINE = 0,
    BAD_COUNT = 1,    /* steps or documents below 0, or 2^31 documents; positions below 1 */
    BAD_OFFSETS = 2,  /* offsets are negative, or fall */
    EMPTY = 3,        /* a document without tokens */
    TOO_LONG = 4,     /* a document longer than block_size (+ 1 with its target) */
    BAD_TOKEN = 5,    /* a token outside the vocabulary */
    BAD_GUARD = 6,    /* a guard that leaves no token, or logits that aren't finite */
    BAD_SETTING = 7,  /* sampling: a setting out of range */
};

/* Bytes of arena that a model needs, 0 if its configuration is out of range or far too big. */
EXPORT double NAME(size)(const Config *c)
{
    const double most = sizeof(void *) == 4 ? 2e9 : 1e14;
    if (c->n_layer < 1 || c->n_embd < 1 || c->n_head < 1 || c->block_size < 1 || c->vocab_size < 1)
        return 0;
    if (c->n_embd % c->n_head || c->threads < 1 || c->threads > MOST_THREADS)
        return 0;
    double C = c->n_embd + PAD, V = c->vocab_size + PAD, T = c->block_size + PAD;
    if ((12 * C * C * c->n_layer + (2 * V + T) * C) * sizeof(REAL) > most)
        return 0;
    double rows = T + UNIT_ROWS;
    if (rows * (c->n_layer * (20 * C + 4 * T * c->n_head) + 2 * V) * sizeof(REAL) > most)
        return 0;
    double bytes = place(c, NULL);
    return bytes <= most ? bytes : 0;
}

/* Makes a model in an arena of `size` bytes (64-byte aligned): all weights 0. */
EXPORT Model *NAME(init)(void *arena, const Config *config)
{
    double size = NAME(size)(config);
    if (size == 0 || (uintptr_t)arena % 64)
        return NULL;
    no_fences(arena, size);
    for (idx i = 0; i < (idx)size; i += LANES * (idx)sizeof(REAL))
        store((REAL *)((char *)arena + i), (vec){0});
    place(config, arena);
    return arena;
}

enum Vector { WEIGHTS = 0, MEANS = 1, SQUARES = 2 };

/* Between a flat vector in state-dict order and the model: the weights, or Adam's m or v. */
EXPORT void NAME(set)(Model *model, int32_t which, const REAL *flat)
{
    REAL *vectors[] = {model->w, model->m, model->v};
    copy_in(&model->s, vectors[which], flat);
    if (which == WEIGHTS)
        update(model, NULL, 0, 1);
}
EXPORT void NAME(get)(const Model *model, int32_t which, REAL *flat)
{
    REAL *vectors[] = {model->w, model->m, model->v};
    copy_out(&model->s, vectors[which], flat);
}

/* Refuses documents 0 ... count - 1 unless all fit; `longest` is the most tokens of one. */
static int check(const Shape *s, Documents d, idx count, idx longest, idx shortest)
{
    if (count < 0 || d.offsets[0] < 0)
        return BAD_OFFSETS;
    for (idx i = 0; i < count; i++) {
        if (d.offsets[i + 1] < d.offsets[i])
            return BAD_OFFSETS;
        int64_t length = d.offsets[i + 1] - d.offsets[i]; /* no overflow: 0 <= offsets[i] */
        if (length < shortest)
            return EMPTY;
        if (length > longest)
            return TOO_LONG;
    }
    for (idx i = (idx)d.offsets[0]; i < (idx)d.offsets[count]; i++)
        if (d.tokens[i] < 0 || d.tokens[i] >= s->V)
            return BAD_TOKEN;
    return FINE;
}

/* Trains `steps` steps, the first of which is number first_step (from 0); fills losses [steps].
   `weights` [positions of all documents]: what each position's loss is multiplied by before the
   step's sum is divided by positions[step]; NULL: 1. */
EXPORT int32_t NAME(steps)(Model *model, const int32_t *tokens, const int64_t *offsets,
                           const int64_t *counts, const int64_t *positions, const double *weights,
                           int32_t steps, const double *lrs, double first_step, double *losses)
{
    Job job = {
        .model = model, .documents = {tokens, offsets, weights}, .counts = counts,
        .positions = positions, .lrs = lrs, .losses = losses, .steps = steps,
        .first_step = first_step,
    };
    int64_t all = 0;
    if (steps < 0 || !(first_step >= 0 && first_step < 9e18)) /* whole, and an int64 */
        return BAD_COUNT;
    for (idx i = 0; i < steps; i++) {
        if (counts[i] < 0 || counts[i] > INT32_MAX - all || positions[i] < 1)
            return BAD_COUNT;
        all += counts[i];
    }
    int refused = check(&model->s, job.documents, (idx)all, model->s.T + 1, 1);
    if (!refused)
        together(train, &job, &job.barrier, threads_for(&job));
    return refused;
}

/* Mean loss over `positions` positions, and its gradients in state-dict order; `weights` as of a
   step. */
EXPORT int32_t NAME(grads)(Model *model, const int32_t *tokens, const int64_t *offsets,
                           int32_t documents, double positions, const double *weights,
                           double *loss, REAL *flat)
{
    Job job = {.model = model, .documents = {tokens, offsets, weights}};
    int refused = check(&model->s, job.documents, documents, model->s.T + 1, 1);
    if (refused)
        return refused;
    idx chunks = chunks_for(rows_before(job.documents, 0, documents));
    chunks_of(&job, 0, documents, positions, chunks, 0, 1);
    *loss = loss_of(model, chunks, positions);
    copy_out(&model->s, model->chunk[0], flat);
    return FINE;
}

/* Sum of -log p over all positions of the documents; the last token of each is only a target. */
EXPORT int32_t NAME(loss)(Model *model, const int32_t *tokens, const int64_t *offsets,
                          int32_t documents, double *loss)
{
    Job job = {.model = model, .documents = {tokens, offsets, NULL}, .steps = documents};
    int refused = check(&model->s, job.documents, documents, model->s.T + 1, 1);
    if (refused)
        return refused;
    together(measure, &job, &job.barrier, model->config.threads);
    *loss = loss_of(model, MOST_CHUNKS, 1);
    return FINE;
}

/* Logits after every token of every list: out [tokens x V]. */
EXPORT int32_t NAME(logits)(Model *model, const int32_t *tokens, const int64_t *offsets,
                            int32_t documents, REAL *out)
{
    const Shape *s = &model->s;
    Documents d = {tokens, offsets, NULL};
    int refused = check(s, d, documents, s->T, 0);
    if (refused)
        return refused;
    for (idx first = 0, next; first < documents; first = next) {
        next = first + 1; /* as unit_of, but the last token of a list is no target here */
        while (next < documents && offsets[next + 1] - offsets[first] <= s->rows &&
               next - first < s->rows)
            next++;
        Work *k = &model->work[0];
        idx N = gather(k, d, first, next, 0);
        forward(model, k, N, next - first);
        for (idx r = 0; r < N; r++, out += s->V)
            __builtin_memcpy(out, k->logits + r * s->VP, (size_t)s->V * sizeof(REAL));
    }
    return FINE;
}

/* Continues each of `samples` prefixes (documents without BOS, at most `most` tokens of each are
   taken) until BOS or until `most` tokens; engines/base.py says what is drawn. top_k 0 and top_p 0
   keep all tokens, next and banned [states x V] may be NULL. Fills out [samples x most], lengths
   [samples] and how many of `uniforms` [samples x most] are used up. */
EXPORT int32_t NAME(sample)(Model *model, const int32_t *prefixes, const int64_t *offsets,
                            int32_t samples, int32_t most, double inverse_temperature,
                            int32_t top_k, double top_p, const double *uniforms, int32_t rows,
                            const int32_t *next, const uint8_t *banned, int32_t states,
                            int32_t *out, int32_t *lengths, double *used)
{
    Sampling g = {
        .model = model,
        .settings = {top_k, inverse_temperature, top_p, next, banned, states},
        .uniforms = uniforms, .out = out, .lengths = lengths, .samples = samples, .most = most,
        .rows = rows,
    };
    Documents d = {prefixes, offsets, NULL};
    if (most < 1 || top_k < 0 || !(top_p >= 0) || !(inverse_temperature > 0) ||
        (next && (states < 1 || !banned)))
        return BAD_SETTING;
    int refused = check(&model->s, d, samples, PTRDIFF_MAX, 0);
    if (refused)
        return refused;
    for (idx i = 0; i < samples; i++) {
        idx length = (idx)(offsets[i + 1] - offsets[i]);
        lengths[i] = (int32_t)(length < most ? length : most);
        for (idx t = 0; t < lengths[i]; t++)
            out[i * most + t] = prefixes[offsets[i] + t];
    }
    int done = sample_all(&g);
    *used = (double)(rows ? (idx)samples * most : g.used);
    return done ? FINE : BAD_GUARD;
}
