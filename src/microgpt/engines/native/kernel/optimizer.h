/* Adam and SGD on the padded vectors, panel by panel (PAD rows of a matrix), so that the turned
   copy of a matrix is written while its numbers are near. notes/backward.md, section 8. */

typedef struct {
    REAL *const *parts; /* the gradient is the sum of these vectors, in this order */
    idx count;
    REAL other1, other2, eps, rate; /* other = 1 - beta */
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
        .other1 = (REAL)(1 - c->beta1), .other2 = (REAL)(1 - c->beta2),
        .eps = (REAL)(c->eps * root),
        .rate = (REAL)(c->sgd ? lr : lr * root / (1 - power(c->beta1, t))),
    };
}

/* w - rate * m / (sqrt(v) + eps). In float32 by the processor's estimates (12 or 14 bits) and one
   Newton step each; a v of 0 counts as the smallest normal number, whose root is far below any
   eps. */
INLINE vec moved(vec w, vec rate_m, vec v, vec eps)
{
#if HAVE_GUESS
    v = larger(v, splat((REAL)1.2e-38f));
    vec y = guess_inverse_root(v), vy = v * y;
    vec sum = mul_add(vy, mul_add(vy * (REAL)-0.5, y, splat((REAL)1.5)), eps);
    vec z = guess_inverse(sum);
    return mul_add(-(rate_m * z), mul_add(-sum, z, splat(2)), w);
#else
    return w - rate_m / (root(v) + eps);
#endif
}

/* New moments and weights for `count` numbers. The means are written b m + (1 - b) g =
   m + (1 - b) (g - m), which has a product less and rounds as well. */
INLINE void adam(REAL *w, REAL *m, REAL *v, REAL *const *parts, const idx n_parts, idx at, idx count,
                 const Update *u)
{
    const vec other1 = splat(u->other1), other2 = splat(u->other2);
    const vec eps = splat(u->eps), rate = splat(u->rate);
    const REAL *first = parts[0];
    _Pragma("GCC unroll 4") for (idx i = at; i < at + count; i += LANES)
    {
        vec g = load(first + i), mean = load(m + i), mean2 = load(v + i);
        for (idx p = 1; p < n_parts; p++)
            g += load(parts[p] + i);
        mean = mul_add(other1, g - mean, mean);
        mean2 = mul_add(other2, g * g - mean2, mean2);
        store(m + i, mean);
        store(v + i, mean2);
        store(w + i, moved(load(w + i), rate * mean, mean2, eps));
    }
}

/* w - rate * g over `count` numbers. */
INLINE void descend(REAL *w, REAL *const *parts, idx n_parts, idx at, idx count, REAL rate)
{
    for (idx i = at; i < at + count; i += LANES) {
        vec g = load(parts[0] + i);
        for (idx p = 1; p < n_parts; p++)
            g += load(parts[p] + i);
        store(w + i, load(w + i) - splat(rate) * g);
    }
}

/* One matrix [rows x cols] at `at`: this thread's panels are every `threads`-th from `me` on.
   u NULL: only turn. turned_ld 0: not turned. */
static void update_matrix(Model *model, const Update *u, idx at, idx rows, idx cols, idx turned_ld,
                          int me, int threads)
{
    REAL *w = model->w, *m = model->m, *v = model->v, *turned = model->turned + at;
    for (idx r = me * PAD; r < rows; r += threads * PAD) {
        idx from = at + r * cols, count = PAD * cols;
        if (u && u->sgd)
            descend(w, u->parts, u->count, from, count, u->rate);
        else if (u && u->count == 1)
            adam(w, m, v, u->parts, 1, from, count, u);
        else if (u)
            adam(w, m, v, u->parts, u->count, from, count, u);
        if (turned_ld)
            turn_panel(turned + r, turned_ld, w + from, cols);
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
