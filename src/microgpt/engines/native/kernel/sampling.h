/* Sampling: many streams side by side, each with its cache of keys and values. One round feeds one
   token to each stream and computes all of them as rows of one unit; a stream that ends makes
   room for the next sample. The distribution is computed in double, in the order of
   engines/base.py: distribution and choose. */

typedef struct {
    int32_t top_k;  /* 0: all */
    double inverse_temperature;
    double top_p;   /* 0: all */
    const int32_t *next; /* guard [states x V], or NULL */
    const uint8_t *banned;
    int32_t states;
} Settings;

typedef struct {
    idx sample; /* -1: none */
    idx length; /* tokens so far, forced ones included, BOS not */
    idx fed;    /* context tokens in the cache: BOS, then the sample's */
    idx at;     /* next uniform number */
    idx state;  /* of the guard */
} Stream;

/* ---- from logits to a token ---- */

/* Doubles of several streams side by side, one stream in each lane: so sums run from left to right
   in each of them, as they must, and side by side all the same. */
enum { SIDE = (VECTOR_BYTES > 16 && !SPLIT_VECTORS ? VECTOR_BYTES : 16) / 8 };
typedef double dvec __attribute__((vector_size(SIDE * 8), may_alias));
typedef int64_t dbits __attribute__((vector_size(SIDE * 8), may_alias));

INLINE dvec either(dbits condition, dvec yes, dvec no)
{
    return (dvec)(((dbits)yes & condition) | ((dbits)no & ~condition));
}

/* e^x for x <= 0: 0 below -708, less than 1 ulp off elsewhere, NaN for NaN. */
INLINE dvec exp_doubles(dvec x)
{
    const double magic = 6755399441055744.0;
    dbits below = x < -708.0;
    x = either(below, (dvec){0} - 708.0, x);
    dvec whole = x * 1.44269504088896340736 + magic;
    dbits power = (dbits)whole - (dbits)((dvec){0} + magic);
    whole -= magic;
    dvec r = (x - whole * 6.93147180369123816490e-01) - whole * 1.90821492927058770002e-10;
    dvec r2 = r * r;
    dvec even = r2 * (1.0 / 479001600) + 1.0 / 3628800;
    dvec odd = r2 * (1.0 / 6227020800) + 1.0 / 39916800;
    even = even * r2 + 1.0 / 40320, odd = odd * r2 + 1.0 / 362880;
    even = even * r2 + 1.0 / 720, odd = odd * r2 + 1.0 / 5040;
    even = even * r2 + 1.0 / 24, odd = odd * r2 + 1.0 / 120;
    even = even * r2 + 1.0 / 2, odd = odd * r2 + 1.0 / 6;
    dvec p = ((odd * r + even) * r2 + r) + 1.0;
    return (dvec)((dbits)(p * (dvec)((power + 1023) << 52)) & ~below);
}

/* a before b among tokens ranked by falling probability, ties by rising id. */
INLINE int ranks_before(const double *p, int32_t a, int32_t b)
{
    return p[a] > p[b] || (p[a] == p[b] && a < b);
}

static void sift_down(const double *p, int32_t *heap, idx n, idx i)
{
    for (idx child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && ranks_before(p, heap[child + 1], heap[child]))
            child++;
        if (!ranks_before(p, heap[child], heap[i]))
            return;
        int32_t swap = heap[i];
        heap[i] = heap[child], heap[child] = swap;
    }
}

/* The most probable of a heap of n tokens, moved to its end. */
static int32_t pop(const double *p, int32_t *heap, idx n)
{
    int32_t top = heap[0];
    heap[0] = heap[n - 1], heap[n - 1] = top;
    sift_down(p, heap, n - 1, 0);
    return top;
}

/* Sets to 0 what top_k and top_p don't keep. */
static void keep_most_probable(double *p, int32_t *heap, idx V, const Settings *settings)
{
    for (idx i = 0; i < V; i++)
        heap[i] = (int32_t)i;
    for (idx i = V / 2 - 1; i >= 0; i--)
        sift_down(p, heap, V, i);
    idx most = settings->top_k && settings->top_k < V ? settings->top_k : V;
    idx popped = 0; /* the token of rank r ends at heap[V - 1 - r] */
    if (settings->top_p > 0) {
        double sum = 0, error = 0; /* the sum as exactly as two doubles can */
        for (idx i = 0; i < most; i++) {
            double x = most < V ? p[pop(p, heap, V - popped++)] : p[i];
            double t = sum + x, back = t - sum;
            error += (sum - (t - back)) + (x - back);
            sum = t;
        }
        double enough = settings->top_p * (sum + error), reached = 0;
        idx kept = 0;
        while (kept < most && reached < enough) {
            if (kept == popped)
                pop(p, heap, V - popped++);
            reached += p[heap[V - 1 - kept++]];
        }
        most = kept > 0 ? kept : 1;
    }
    while (popped < most)
        pop(p, heap, V - popped++);
    for (idx i = 0; i < V - most; i++)
        p[heap[i]] = 0;
}

/* A stream that is to draw: its logits and uniform number, the guard's row of banned tokens (or
   NULL). `token` is the answer: what Python's random.choices would draw, -1 if there is nothing (a
   guard that bans all, or numbers that aren't finite). */
typedef struct {
    const REAL *logits;
    const uint8_t *banned;
    double uniform;
    int32_t token;
} Draw;

/* SIDE draws at once; with fewer, the other lanes compute whatever was there. */
static void choose(Model *model, Draw *draws, idx count, const Settings *settings)
{
    const idx V = model->s.V;
    dvec *p = (dvec *)model->probabilities, highest = (dvec){0} - __builtin_inf(), total = {0};
    for (idx j = 0; j < count; j++)
        for (idx i = 0; i < V; i++)
            ((double *)p)[i * SIDE + j] = (double)draws[j].logits[i] * settings->inverse_temperature;
    for (idx j = 0; j < count && settings->banned; j++)
        for (idx i = 0; i < V; i++)
            if (draws[j].banned[i])
                ((double *)p)[i * SIDE + j] = -__builtin_inf();
    for (idx i = 0; i < V; i++)
        highest = either(p[i] > highest, p[i], highest);
    for (idx i = 0; i < V; i++)
        p[i] = exp_doubles(p[i] - highest);
    for (idx i = 0; i < V; i++)
        total += p[i];
    dvec inverse = 1 / total, all = total;
    for (idx i = 0; i < V; i++)
        p[i] *= inverse;
    if (settings->top_k || settings->top_p > 0)
        for (idx j = 0; j < count; j++) {
            double *one = model->probabilities + V * SIDE;
            for (idx i = 0; i < V; i++)
                one[i] = ((double *)p)[i * SIDE + j];
            keep_most_probable(one, model->ranked, V, settings);
            for (idx i = 0; i < V; i++)
                ((double *)p)[i * SIDE + j] = one[i];
        }
    dbits last = {0}, token = {0};
    total = (dvec){0};
    for (idx i = 0; i < V; i++) {
        dbits possible = p[i] > 0;
        last = (last & ~possible) | (((dbits){0} + (int64_t)i) & possible);
        total += p[i];
        p[i] = total;
    }
    dvec drawn = {0};
    for (idx j = 0; j < count; j++)
        drawn[j] = draws[j].uniform;
    drawn *= total;
    for (idx i = 0; i < V; i++)
        token -= p[i] <= drawn; /* the number of sums that aren't above: true is -1 */
    for (idx j = 0; j < count; j++) {
        draws[j].token = (int32_t)(token[j] < last[j] ? token[j] : last[j]);
        if (!(all[j] > 0 && all[j] < __builtin_inf()))
            draws[j].token = -1;
    }
}

/* ---- from tokens to logits ---- */

/* One row for each of N streams: token and position in k, its cache at cache[row]. Leaves logits
   in k->logits. A cache is [L x (T + SLACK) x 2 CP]: key and value of a position side by side. */
INLINE void decode_of(const Model *model, const Shape *s, Work *k, idx N, REAL **cache)
{
    const idx CP = s->CP, FP = s->FP, ld = 2 * CP;
    embed(model, s, k, N);
    for (idx l = 0; l < s->L; l++) {
        idx at = l * (s->T + SLACK) * ld;
        rmsnorm(k->norm1, k->scale1, k->x, N, s->C, CP);
        product(k->qkv, 3 * CP, by_row(k->norm1, CP), model->turned + at_qkv(s, l), 3 * CP, N,
                s->C, 3 * CP, SET);
        for (idx r = 0; r < N; r++) {
            REAL *own = cache[r] + at;
            const REAL *q = k->qkv + r * 3 * CP;
            idx n = k->position[r] + 1;
            for (idx i = 0; i < ld; i += LANES)
                store(own + (n - 1) * ld + i, load(q + CP + i));
            if (s->D == 4)
                look_four(k->heads + r * CP, k->looks, q, own, own + CP, ld, n, CP);
            else
                look_any(s, k->heads + r * CP, k->looks, q, own, own + CP, ld, n);
        }
        product(k->x, CP, by_row(k->heads, CP), model->turned + at_wo(s, l), CP, N, s->C, CP, ADD);
        rmsnorm(k->norm2, k->scale2, k->x, N, s->C, CP);
        product(k->hidden, FP, by_row(k->norm2, CP), model->turned + at_fc1(s, l), FP, N, s->C, FP,
                SET_POSITIVE);
        if (model->config.relu_squared)
            for (idx i = 0; i < N * FP; i += LANES)
                store(k->hidden + i, load(k->hidden + i) * load(k->hidden + i));
        product(k->x, CP, by_row(k->hidden, FP), model->turned + at_fc2(s, l), CP, N, s->F, CP, ADD);
    }
    product(k->logits, s->VP, by_row(k->x, CP), model->turned + s->lm_head, s->VP, N, s->C, s->VP,
            SET);
}

static void decode(const Model *model, Work *k, idx N, REAL **cache)
{
    if (is_preset(&model->s)) {
        Shape known = preset_shape(&model->s);
        decode_of(model, &known, k, N, cache);
    } else {
        decode_of(model, &model->s, k, N, cache);
    }
}

INLINE int32_t context_token(const Model *model, const int32_t *tokens, idx i)
{
    return i == 0 ? (int32_t)model->s.V - 1 : tokens[i - 1];
}

/* Logits after the last block_size tokens of a context that has outgrown the model: all of them
   have moved by a place, so nothing of the cache holds any more. */
static const REAL *slide(const Model *model, Work *k, const int32_t *tokens, idx length)
{
    const idx T = model->s.T;
    for (idx t = 0; t < T; t++) {
        k->token[t] = context_token(model, tokens, length + 1 - T + t);
        k->position[t] = (int32_t)t;
    }
    k->start[0] = 0, k->start[1] = T;
    forward(model, k, T, 1);
    return k->logits + (T - 1) * model->s.VP;
}

/* ---- the streams ---- */

typedef struct {
    Model *model;
    Settings settings;
    const double *uniforms;
    int32_t *out; /* [samples x most]: forced tokens at first */
    int32_t *lengths;
    idx samples, most, next_sample, used;
    int rows; /* draws by rows; else one after the other, with one stream */
} Sampling;

INLINE int32_t *tokens_of(const Sampling *g, const Stream *s)
{
    return g->out + s->sample * g->most;
}

/* Moves the guard by a token; 0 if its table leads nowhere. */
INLINE int walk(const Sampling *g, Stream *s, int32_t token)
{
    if (!g->settings.next)
        return 1;
    s->state = g->settings.next[s->state * g->model->s.V + token];
    return s->state >= 0 && s->state < g->settings.states;
}

/* Begins the next sample that isn't complete already; 0 if the guard fails. */
static int begin_stream(Sampling *g, Stream *s)
{
    s->sample = -1;
    while (g->next_sample < g->samples) {
        idx i = g->next_sample++;
        if (g->lengths[i] >= g->most)
            continue;
        *s = (Stream){i, g->lengths[i], 0, g->rows ? i * g->most : g->used, 0};
        for (idx t = 0; t < s->length; t++)
            if (!walk(g, s, tokens_of(g, s)[t]))
                return 0;
        return 1;
    }
    return 1;
}

/* Puts a drawn token into its stream, and begins the next sample in its place if this one is
   complete; 0 if there was none to draw. */
static int advance(Sampling *g, Stream *s, int32_t token)
{
    if (token < 0)
        return 0;
    int ends = token == g->model->s.V - 1;
    g->used = ++s->at;
    if (!ends) {
        tokens_of(g, s)[s->length++] = token;
        if (!walk(g, s, token))
            return 0;
    }
    g->lengths[s->sample] = (int32_t)s->length;
    return ends || s->length == g->most ? begin_stream(g, s) : 1;
}

/* Draws for `count` streams, from rows [count x VP] of logits; 0 if one had nothing to draw. */
static int draw_all(Sampling *g, Stream **streams, const REAL **logits, idx count)
{
    for (idx first = 0; first < count; first += SIDE) {
        Draw draws[SIDE];
        idx here = count - first < SIDE ? count - first : SIDE;
        for (idx j = 0; j < here; j++) {
            const Stream *s = streams[first + j];
            const uint8_t *banned = g->settings.banned;
            if (banned)
                banned += s->state * g->model->s.V;
            draws[j] = (Draw){logits[first + j], banned, g->uniforms[s->at], 0};
        }
        choose(g->model, draws, here, &g->settings);
        for (idx j = 0; j < here; j++)
            if (!advance(g, streams[first + j], draws[j].token))
                return 0;
    }
    return 1;
}

/* All samples; 0 if a guard leaves nothing to draw. */
static int sample_all(Sampling *g)
{
    Model *model = g->model;
    const Shape *s = &model->s;
    Work *k = &model->work[0];
    Stream streams[MOST_STREAMS], *fed[MOST_STREAMS];
    REAL *cache[MOST_STREAMS];
    const REAL *logits[MOST_STREAMS];
    idx count = g->rows ? model->streams : 1, busy = 1;
    for (idx i = 0; i < count; i++)
        if (!begin_stream(g, &streams[i]))
            return 0;
    while (busy) {
        idx N = 0, ready = 0;
        for (idx i = 0; i < count; i++) {
            if (streams[i].sample < 0 || streams[i].length >= s->T)
                continue;
            k->token[N] = context_token(model, tokens_of(g, &streams[i]), streams[i].fed);
            k->position[N] = (int32_t)streams[i].fed++;
            cache[N] = model->cache + i * model->cache_size;
            if (streams[i].fed > streams[i].length) {
                fed[ready] = &streams[i];
                logits[ready++] = k->logits + N * s->VP;
            }
            N++;
        }
        if (N)
            decode(model, k, N, cache);
        if (!draw_all(g, fed, logits, ready))
            return 0;
        busy = 0;
        for (idx i = 0; i < count; i++) {
            Stream *one = &streams[i];
            if (one->sample >= 0 && one->length >= s->T) {
                const REAL *last = slide(model, k, tokens_of(g, one), one->length);
                if (!draw_all(g, &one, &last, 1))
                    return 0;
            }
            busy |= one->sample >= 0;
        }
    }
    return 1;
}
