/* Adam and SGD on the padded vectors, panel by panel (PAD rows of a matrix), so that the turned
   copy of a matrix is written while its numbers are near. notes/backward.md, section 8. */

typedef struct {
    REAL *const *parts; /* the gradient is the sum of these vectors, in this order */
    idx count;
    REAL beta1, other1, beta2, other2; /* other = 1 - beta */
    REAL eps, rate;
    int sgd;
} Update;

/* b^t for whole t >= 0 (one rounding for each of log2(t) products or so). */
static double power(double b, double t)
{
    double result = 1;
    for (int64_t n = (int64_t)t; n; n >>= 1, b *= b)
        if (n & 1)
            result *= b;
    return result;
}

INLINE double root_of(double x) { return __builtin_sqrt(x); }

/* Step t, counted from 1. Adam's fraction is the paper's, multiplied above and below by
   sqrt(1 - beta2^t): m / (sqrt(v) + eps sqrt(1 - beta2^t)). */
static Update update_of(const Model *model, REAL *const *parts, idx count, double lr, double t)
{
    const Config *c = &model->config;
    double root = root_of(1 - power(c->beta2, t));
    return (Update){
        .parts = parts, .count = count, .sgd = c->sgd,
        .beta1 = (REAL)c->beta1, .other1 = (REAL)(1 - c->beta1),
        .beta2 = (REAL)c->beta2, .other2 = (REAL)(1 - c->beta2),
        .eps = (REAL)(c->eps * root),
        .rate = (REAL)(c->sgd ? lr : lr * root / (1 - power(c->beta1, t))),
    };
}

/* 1 / (sqrt(v) + eps). In float32 by the processor's estimates (12 or 14 bits) and a Newton step
   each; a v of 0 counts as the smallest normal number, whose root is far below any eps. */
INLINE vec inverse_of_root_and(vec v, vec eps)
{
#if HAVE_GUESS
    v = larger(v, splat((REAL)1.2e-38f));
    vec y = guess_inverse_root(v), vy = v * y;
    vec sum = mul_add(vy * (REAL)0.5, mul_add(-vy, y, splat(3)), eps);
    vec z = guess_inverse(sum);
    return z * mul_add(-sum, z, splat(2));
#else
    return 1 / (root(v) + eps);
#endif
}

INLINE void update_panel(Model *model, const Update *u, idx at, idx count)
{
    for (idx i = at; i < at + count; i += LANES) {
        vec g = load(u->parts[0] + i);
        for (idx p = 1; p < u->count; p++)
            g += load(u->parts[p] + i);
        vec w = load(model->w + i), rate = splat(u->rate);
        if (u->sgd) {
            store(model->w + i, w - rate * g);
            continue;
        }
        vec m = mul_add(splat(u->beta1), load(model->m + i), splat(u->other1) * g);
        vec v = mul_add(splat(u->beta2), load(model->v + i), splat(u->other2) * (g * g));
        store(model->m + i, m);
        store(model->v + i, v);
        store(model->w + i, w - rate * m * inverse_of_root_and(v, splat(u->eps)));
    }
}

/* One matrix [rows x cols] at `at`: this thread's panels are every `threads`-th from `me` on.
   u NULL: only turn. turned_ld 0: not turned. */
static void update_matrix(Model *model, const Update *u, idx at, idx rows, idx cols, idx turned_ld,
                          int me, int threads)
{
    for (idx r = me * PAD; r < rows; r += threads * PAD) {
        if (u)
            update_panel(model, u, at + r * cols, PAD * cols);
        if (turned_ld)
            turn_panel(model->turned + at + r, turned_ld, model->w + at + r * cols, cols);
    }
}

static void update(Model *model, const Update *u, int me, int threads)
{
    const Shape *s = &model->s;
    const idx CP = s->CP, FP = s->FP;
    update_matrix(model, u, s->wte, s->VP, CP, 0, me, threads);
    update_matrix(model, u, s->wpe, s->TP, CP, 0, me, threads);
    update_matrix(model, u, s->lm_head, s->VP, CP, s->VP, me, threads);
    for (idx l = 0; l < s->L; l++) {
        update_matrix(model, u, at_qkv(s, l), 3 * CP, CP, 3 * CP, me, threads);
        update_matrix(model, u, at_wo(s, l), CP, CP, CP, me, threads);
        update_matrix(model, u, at_fc1(s, l), FP, CP, FP, me, threads);
        update_matrix(model, u, at_fc2(s, l), CP, FP, CP, me, threads);
    }
}
