/* Sizes, and where everything lies in the arena.

   Weights, gradients, Adam's m and v are vectors of `total` numbers with the same layout: wte, wpe,
   lm_head, then per layer wq wk wv (one [3 CP x CP] matrix), wo, fc1, fc2. `turned` holds the
   weights transposed, at the same places (wte and wpe are only looked up, and not turned). */

enum {
    PAD = 16,         /* widths of rows are multiples of this */
    SLACK = 4,        /* rows behind the last that loops over four rows may touch */
    UNIT_ROWS = 96,   /* rows that are computed together: they stay in the cache */
    MOST_CHUNKS = 16, /* parts of a batch that may be computed side by side */
    MOST_STREAMS = 64,
    CACHE_NUMBERS = 1 << 22, /* of all streams' caches, unless one alone needs more */
};

typedef struct {
    int32_t n_layer, n_embd, n_head, block_size, vocab_size;
    int32_t relu_squared, sgd, threads;
    double beta1, beta2, eps;
} Config;

typedef struct {
    idx C, F, V, H, D, T, L;   /* real sizes */
    idx CP, FP, VP, TP, DP;    /* padded */
    idx looks;                 /* width of a row of attention weights */
    idx wte, wpe, lm_head, layers, layer, total; /* offsets; `layer` is the size of one */
    idx rows;                  /* most rows that a unit may have */
} Shape;

/* What the passes over the rows of one unit keep; each thread has its own. [N x ...] */
typedef struct {
    int32_t *token, *position, *target;
    idx *start; /* first row of each document, and one past the last */
    REAL *norm0, *scale0, *x;
    REAL *norm1, *scale1, *qkv, *looks, *heads, *norm2, *scale2, *positive, *hidden; /* x L */
    REAL *logits, *dx, *dnorm, *dheads, *dqkv, *dhidden, *dlooks;
    REAL *pack; /* attention's copies of one head, 4 x [TP x DP] */
} Work;

typedef struct {
    Config config;
    Shape s;
    REAL *w, *m, *v, *turned;
    REAL *ban_padding; /* [VP]: 0, and -infinity behind the vocabulary */
    REAL *chunk[MOST_CHUNKS]; /* gradients of each part of a batch */
    double chunk_loss[MOST_CHUNKS];
    Work *work; /* [threads] */
    REAL *cache; /* sampling: keys and values of each stream */
    idx streams, cache_size;
    double *probabilities; /* [VP x 9]: of up to 8 streams side by side, and of one */
    int32_t *ranked;       /* [VP] */
} Model;

INLINE idx padded(idx n) { return (n + PAD - 1) / PAD * PAD; }

static Shape shape_of(const Config *c)
{
    Shape s;
    s.C = c->n_embd, s.F = 4 * s.C, s.V = c->vocab_size, s.H = c->n_head, s.D = s.C / s.H;
    s.T = c->block_size, s.L = c->n_layer;
    s.CP = padded(s.C), s.FP = padded(s.F), s.VP = padded(s.V), s.TP = padded(s.T);
    s.DP = padded(s.D);
    s.looks = s.D == 4 ? s.TP / 4 * s.CP : s.H * s.TP;
    s.wte = 0;
    s.wpe = s.wte + s.VP * s.CP;
    s.lm_head = s.wpe + s.TP * s.CP;
    s.layers = s.lm_head + s.VP * s.CP;
    s.layer = 4 * s.CP * s.CP + 2 * s.FP * s.CP;
    s.total = s.layers + s.L * s.layer;
    s.rows = s.T > UNIT_ROWS ? s.T : UNIT_ROWS;
    return s;
}

/* Offsets inside a layer. */
INLINE idx at_qkv(const Shape *s, idx layer) { return s->layers + layer * s->layer; }
INLINE idx at_wo(const Shape *s, idx layer) { return at_qkv(s, layer) + 3 * s->CP * s->CP; }
INLINE idx at_fc1(const Shape *s, idx layer) { return at_qkv(s, layer) + 4 * s->CP * s->CP; }
INLINE idx at_fc2(const Shape *s, idx layer) { return at_fc1(s, layer) + s->FP * s->CP; }

/* Under the address sanitizer: what lies between two pieces of the arena belongs to nobody. */
#ifdef __SANITIZE_ADDRESS__
void __asan_poison_memory_region(void const volatile *, size_t);
void __asan_unpoison_memory_region(void const volatile *, size_t);
enum { FENCE = 4096 };
INLINE void fence(char *piece, double bytes)
{
    idx size = (idx)bytes;
    __asan_poison_memory_region(piece + size, (size_t)((size + 63) / 64 * 64 + FENCE - size));
}
INLINE void no_fences(void *arena, double size)
{
    __asan_unpoison_memory_region(arena, (size_t)size);
}
#else
enum { FENCE = 0 };
INLINE void fence(char *piece, double bytes) { (void)piece, (void)bytes; }
INLINE void no_fences(void *arena, double size) { (void)arena, (void)size; }
#endif

/* Hands out the arena piece by piece; with base NULL it only counts. */
typedef struct {
    char *base;
    double used;
} Arena;

static void *take(Arena *arena, double count, double size)
{
    double bytes = count * size;
    void *piece = arena->base ? arena->base + (idx)arena->used : NULL;
    arena->used += (double)(((int64_t)(bytes < 1e15 ? bytes : 1e15) + 63) / 64 * 64 + FENCE);
    if (piece)
        fence(piece, bytes);
    return piece;
}

static REAL *numbers(Arena *arena, double rows, double width)
{
    return take(arena, rows * width, sizeof(REAL));
}

static void place_work(Work *k, const Shape *s, Arena *arena)
{
    double N = (double)(s->rows + SLACK), NL = N * (double)s->L;
    double CP = (double)s->CP, FP = (double)s->FP, looks = (double)s->looks;
    k->token = take(arena, N, 4), k->position = take(arena, N, 4), k->target = take(arena, N, 4);
    k->start = take(arena, N + 1, sizeof(idx));
    k->norm0 = numbers(arena, N, CP), k->scale0 = numbers(arena, N, LANES / 4);
    k->x = numbers(arena, N, CP);
    k->norm1 = numbers(arena, NL, CP), k->scale1 = numbers(arena, NL, LANES / 4);
    k->qkv = numbers(arena, NL, 3 * CP);
    k->looks = numbers(arena, NL, looks);
    k->heads = numbers(arena, NL, CP);
    k->norm2 = numbers(arena, NL, CP), k->scale2 = numbers(arena, NL, LANES / 4);
    k->positive = numbers(arena, NL, FP);
    k->hidden = numbers(arena, NL, FP);
    k->logits = numbers(arena, N, (double)s->VP);
    k->dx = numbers(arena, N, CP), k->dnorm = numbers(arena, N, CP);
    k->dheads = numbers(arena, N, CP);
    k->dqkv = numbers(arena, N, 3 * CP);
    k->dhidden = numbers(arena, N, FP);
    k->dlooks = numbers(arena, (double)s->TP, looks);
    k->pack = numbers(arena, 4 * (double)s->TP, (double)s->DP);
}

/* Lays the model out in the arena and returns the bytes it takes. */
static double place(const Config *config, char *base)
{
    Arena arena = {base, 0};
    Shape s = shape_of(config);
    double total = (double)s.total;
    Model *self = take(&arena, 1, sizeof(Model));
    Work *work = take(&arena, config->threads, sizeof(Work));
    REAL *vectors[4 + MOST_CHUNKS];
    for (int i = 0; i < 4 + MOST_CHUNKS; i++)
        vectors[i] = numbers(&arena, total, 1);
    REAL *ban = numbers(&arena, (double)s.VP, 1);
    double own = (double)s.L * (double)(s.T + SLACK) * 2 * (double)s.CP;
    double streams = (double)(idx)(CACHE_NUMBERS / own);
    streams = streams < 1 ? 1 : streams > MOST_STREAMS ? MOST_STREAMS : streams;
    REAL *cache = numbers(&arena, streams, own);
    double *probabilities = take(&arena, (double)s.VP * 9, sizeof(double));
    int32_t *ranked = take(&arena, (double)s.VP, sizeof(int32_t));
    if (base) {
        self->ban_padding = ban;
        self->cache = cache, self->streams = (idx)streams, self->cache_size = (idx)own;
        self->probabilities = probabilities, self->ranked = ranked;
        for (idx i = 0; i < s.VP; i++)
            ban[i] = i < s.V ? 0 : MINUS_INFINITY;
        self->config = *config, self->s = s, self->work = work;
        self->w = vectors[0], self->m = vectors[1], self->v = vectors[2], self->turned = vectors[3];
        for (int i = 0; i < MOST_CHUNKS; i++)
            self->chunk[i] = vectors[4 + i];
    }
    for (int i = 0; i < config->threads; i++) {
        Work unused;
        place_work(base ? &work[i] : &unused, &s, &arena);
    }
    return arena.used;
}

/* The matrices in state-dict order, as the outside sees them. */
typedef struct {
    idx rows, cols, at, ld; /* in the padded vectors */
} Matrix;

INLINE idx matrices(const Shape *s) { return 3 + 6 * s->L; }

static Matrix matrix(const Shape *s, idx i)
{
    if (i < 3)
        return (Matrix){i == 1 ? s->T : s->V, s->C, i == 0 ? s->wte : i == 1 ? s->wpe : s->lm_head,
                        s->CP};
    idx layer = (i - 3) / 6, part = (i - 3) % 6;
    if (part < 4)
        return (Matrix){s->C, s->C, at_qkv(s, layer) + part * s->CP * s->CP, s->CP};
    if (part == 4)
        return (Matrix){s->F, s->C, at_fc1(s, layer), s->CP};
    return (Matrix){s->C, s->F, at_fc2(s, layer), s->FP};
}

/* Between a flat vector of all parameters in state-dict order and a padded one. */
static void copy_in(const Shape *s, REAL *padded_vector, const REAL *flat)
{
    for (idx i = 0; i < s->total; i++)
        padded_vector[i] = 0;
    for (idx i = 0; i < matrices(s); i++) {
        Matrix a = matrix(s, i);
        for (idx r = 0; r < a.rows; r++)
            for (idx c = 0; c < a.cols; c++)
                padded_vector[a.at + r * a.ld + c] = *flat++;
    }
}

static void copy_out(const Shape *s, const REAL *padded_vector, REAL *flat)
{
    for (idx i = 0; i < matrices(s); i++) {
        Matrix a = matrix(s, i);
        for (idx r = 0; r < a.rows; r++)
            for (idx c = 0; c < a.cols; c++)
                *flat++ = padded_vector[a.at + r * a.ld + c];
    }
}

/* Writes one panel, PAD rows of `from` [rows x cols], as PAD columns of `to` [cols x ld]. */
INLINE void turn_panel(REAL *to, idx ld, const REAL *from, idx cols)
{
    for (idx r = 0; r < PAD; r += TURN)
        for (idx c = 0; c < cols; c += TURN)
            turn(to + c * ld + r, ld, from + r * cols + c, cols);
}
