/* Adam and SGD on the padded vectors, panel by panel (PAD rows of a matrix). notes/backward.md, section 8. */

typedef struct {
    REAL *const *parts; /* the gradient is the sum of every `apart`-th of `count` vectors, by pairs */
    idx count, apart;   /* powers of two */
    REAL other1, other2, eps, rate; /* other = 1 - beta */
    int sgd;
} Update;

/* b^t for whole t >= 0 (one rounding for each of 2 log2(t) products or so). */
static double power(double b, double t)
{
    double result = 1;
    for (int64_t n = (int64_t)t; n; n >>= 1, b *= b)
        result *= n & 1 ? b : 1; /* not `if`: the bits of t can't be predicted */
    return result;
}

INLINE double root_of(double x) { return __builtin_sqrt(x); }

/* Step t, counted from 1. Adam's fraction is the paper's, multiplied above and below by
   sqrt(1 - beta2^t): m / (sqrt(v) + eps sqrt(1 - beta2^t)). */
static Update update_of(const Model *model, REAL *const *parts, idx count, idx apart, double lr,
                        double t)
{
    const Config *c = &model->config;
    double root = root_of(1 - power(c->beta2, t));
    return (Update){
        .parts = parts, .count = count, .apart = apart, .sgd = c->sgd,
        .other1 = (REAL)(1 - c->beta1), .other2 = (REAL)(1 - c->beta2),
        .eps = (REAL)(c->eps * root),
        .rate = (REAL)(c->sgd ? lr : lr * root / (1 - power(c->beta1, t))),
    };
}

/* One vector of weights and moments at i, with gradient g. The means are written b m + (1 - b) g =
   m + (1 - b) (g - m), which has a product less and rounds as well. In float32 the division is the
   processor's estimate (12 or 14 bits) and a Newton step. */
INLINE void adam(REAL *w, REAL *m, REAL *v, idx i, reg g, const Update *u)
{
    reg mean = reg_load(m + i), mean2 = reg_load(v + i);
    mean = reg_mul_add(reg_splat(u->other1), g - mean, mean);
    mean2 = reg_mul_add(reg_splat(u->other2), g * g - mean2, mean2);
    reg_store(m + i, mean);
    reg_store(v + i, mean2);
    reg divisor = reg_root(mean2) + reg_splat(u->eps), move = reg_splat(u->rate) * mean;
#if HAVE_GUESS
    reg z = guess_inverse(divisor); /* where a reg is a vec */
    store(w + i, mul_add(-(move * z), mul_add(-divisor, z, splat(2)), load(w + i)));
#else
    reg_store(w + i, reg_load(w + i) - move / divisor);
#endif
}

/* The same for `count` numbers from `at` on. */
INLINE void adam_all(REAL *w, REAL *m, REAL *v, const REAL *gradient, idx at, idx count, Update u)
{
    for (idx i = at; i < at + count; i += REG_LANES)
        adam(w, m, v, i, reg_load(gradient + i), &u);
}

/* w - rate * g over `count` numbers. */
INLINE void descend(REAL *w, const REAL *gradient, idx at, idx count, REAL rate)
{
    for (idx i = at; i < at + count; i += LANES)
        store(w + i, load(w + i) - splat(rate) * load(gradient + i));
}

/* Sums the parts into the first, over `count` numbers from `at` on. */
INLINE void sum_parts(const Update *u, idx at, idx count)
{
    for (idx apart = u->apart; apart < u->count; apart *= 2)
        for (idx p = 0; p < u->count; p += 2 * apart)
            for (idx i = at; i < at + count; i += LANES)
                store(u->parts[p] + i, load(u->parts[p] + i) + load(u->parts[p + apart] + i));
}

/* One matrix [rows x cols] at `at`: this thread's panels are every `threads`-th from `me` on.
   u NULL: only turn. turned_ld 0: not turned. */
static void update_matrix(Model *model, const Update *u, idx at, idx rows, idx cols, idx turned_ld,
                          int me, int threads)
{
    REAL *w = model->w, *m = model->m, *v = model->v, *turned = model->turned + at;
    const idx first = me * PAD, next = threads * PAD;
    for (idx r = first; u && r < rows; r += next) {
        idx from = at + r * cols, count = PAD * cols;
        sum_parts(u, from, count);
        if (u->sgd)
            descend(w, u->parts[0], from, count, u->rate);
        else
            adam_all(w, m, v, u->parts[0], from, count, *u);
    }
    /* Not at once after each panel: the stores must have reached the cache. */
    for (idx r = first; turned_ld && r < rows; r += next)
        turn_panel(turned + r, turned_ld, w + at + r * cols, cols);
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
        /* In the other order: the first threads have more panels so far. */
        update_matrix(model, u, at_fc2(s, l), CP, FP, CP, threads - 1 - me, threads);
    }
}
