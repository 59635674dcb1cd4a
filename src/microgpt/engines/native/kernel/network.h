/* Forward and backward pass over the N rows of one unit: all positions of some documents, one
   below the other. Everything but attention treats each row by itself. */

typedef struct {
    const int32_t *tokens;  /* all documents of the call */
    const int64_t *offsets; /* document d is tokens[offsets[d] : offsets[d + 1]] */
    const double *weights;  /* of every position's loss, document after document; NULL: all 1 */
} Documents;

/* Fill the unit with documents first ... last - 1; `ahead` 1: the last token is only a target.
   Returns N. */
static idx gather(Work *k, Documents d, idx first, idx last, int ahead)
{
    idx n = 0;
    for (idx i = first; i < last; i++) {
        const int32_t *tokens = d.tokens + d.offsets[i];
        idx length = (idx)(d.offsets[i + 1] - d.offsets[i]) - ahead;
        k->start[i - first] = n;
        for (idx t = 0; t < length; t++, n++) {
            k->token[n] = tokens[t];
            k->position[n] = (int32_t)t;
            k->target[n] = ahead ? tokens[t + 1] : 0;
        }
    }
    k->start[last - first] = n;
    return n;
}

/* Rows of the first norm: wte[token] + wpe[position], normed. */
PART void embed(const Model *model, const Shape *s, Work *k, idx N)
{
    for (idx r = 0; r < N; r++) {
        const REAL *token = model->w + s->wte + k->token[r] * s->CP;
        const REAL *place = model->w + s->wpe + k->position[r] * s->CP;
        for (idx i = 0; i < s->CP; i += LANES)
            store(k->x + r * s->CP + i, load(token + i) + load(place + i));
    }
    rmsnorm(k->norm0, k->scale0, k->x, N, s->C, s->CP);
    __builtin_memcpy(k->x, k->norm0, (size_t)(N * s->CP) * sizeof(REAL));
}

/* dL/d(before the activation) in place. */
PART void activate_back(REAL *d, const REAL *positive, idx count, int squared)
{
    for (idx i = 0; i < count; i += LANES) {
        vec x = load(positive + i);
        if (squared)
            store(d + i, load(d + i) * (x + x));
        else
            store(d + i, (vec)((ivec)load(d + i) & (ivec)(x > (vec){0})));
    }
}

/* Leaves the last block's output in k->x [N x CP] and the logits in k->logits [N x VP]. */
INLINE void forward_of(const Model *model, const Shape *s, Work *k, idx N, idx documents)
{
    const idx C = s->C, CP = s->CP, F = s->F, FP = s->FP;
    const int squared = model->config.relu_squared;
    embed(model, s, k, N);
    for (idx l = 0; l < s->L; l++) {
        idx at = l * (s->rows + SLACK); /* this layer's part of what is kept */
        REAL *norm1 = k->norm1 + at * CP, *norm2 = k->norm2 + at * CP;
        REAL *qkv = k->qkv + at * 3 * CP, *looks = k->looks + at * s->looks;
        REAL *heads = k->heads + at * CP, *positive = k->positive + at * FP;
        REAL *hidden = squared ? k->hidden + at * FP : positive;
        rmsnorm(norm1, k->scale1 + at * LANES / 4, k->x, N, C, CP);
        product(qkv, 3 * CP, by_row(norm1, CP), model->turned + at_qkv(s, l), 3 * CP, N, C, 3 * CP,
                SET);
        for (idx i = 0; i < documents; i++) {
            idx a = k->start[i], n = k->start[i + 1] - a;
            if (s->D == 4)
                attend_four(qkv + a * 3 * CP, looks + a * s->looks, heads + a * CP, n, CP, s->looks);
            else
                attend_any(s, qkv + a * 3 * CP, looks + a * s->looks, heads + a * CP, k->pack, n);
        }
        product(k->x, CP, by_row(heads, CP), model->turned + at_wo(s, l), CP, N, C, CP, ADD);
        rmsnorm(norm2, k->scale2 + at * LANES / 4, k->x, N, C, CP);
        product(positive, FP, by_row(norm2, CP), model->turned + at_fc1(s, l), FP, N, C, FP,
                SET_POSITIVE);
        if (squared)
            for (idx i = 0; i < N * FP; i += LANES)
                store(hidden + i, load(positive + i) * load(positive + i));
        product(k->x, CP, by_row(hidden, FP), model->turned + at_fc2(s, l), CP, N, F, CP, ADD);
    }
    product(k->logits, s->VP, by_row(k->x, CP), model->turned + s->lm_head, s->VP, N, C, s->VP, SET);
}

/* A row of logits without what lies behind the vocabulary. */
INLINE vec logits_at(const Model *model, const REAL *x, idx i)
{
    return load(x + i) + load(model->ban_padding + i);
}

/* Sum of -log p(target) over the rows, each times its weight; logits become dL/dlogits for a loss
   divided by `positions`: notes/backward.md, section 1. Four rows at a time, as in norm.h.
   `weights` [N], or a constant NULL: then they are 1, and what they need isn't compiled. */
INLINE double cross_entropy_of(const Model *model, const Shape *s, Work *k, idx N,
                               double positions, const double *weights)
{
    const idx VP = s->VP;
    const REAL share = (REAL)(1 / positions);
    double loss = 0;
    for (idx r = 0; r < N; r += 4) {
        REAL *x = k->logits + r * VP;
        idx rows = N - r < 4 ? N - r : 4;
        double at_targets = 0, product_of_sums = 1;
        double at_target[4]; /* with weights */
        for (idx j = 0; j < rows; j++)
            if (weights)
                at_target[j] = (double)x[j * VP + k->target[r + j]];
            else
                at_targets += (double)x[j * VP + k->target[r + j]];

        vec most[4], sum[4];
        UNROLL for (int j = 0; j < 4; j++)
        {
            most[j] = logits_at(model, x + j * VP, 0);
            for (idx i = LANES; i < VP; i += LANES)
                most[j] = larger(most[j], logits_at(model, x + j * VP, i));
        }
        vec highest = row_largest(most[0], most[1], most[2], most[3]);
        most[0] = LANE_0(highest), most[1] = LANE_1(highest);
        most[2] = LANE_2(highest), most[3] = LANE_3(highest);
        UNROLL for (int j = 0; j < 4; j++)
        {
            sum[j] = (vec){0};
            for (idx i = 0; i < VP; i += LANES) {
                vec e = exp_negative(logits_at(model, x + j * VP, i) - most[j]);
                sum[j] += e;
                store(x + j * VP + i, e);
            }
        }
        vec sums = row_sums(sum[0], sum[1], sum[2], sum[3]), shares = splat(share);
        REAL each_share[LANES] = {0}; /* with weights: the four rows' again and again, like sums */
        for (idx i = 0; weights && i < LANES; i++)
            each_share[i] = i % 4 < rows ? (REAL)(weights[r + i % 4] / positions) : 0;
        if (weights)
            __builtin_memcpy(&shares, each_share, sizeof shares);
        vec times = shares / sums;
        scale_row(x, x, LANE_0(times), VP);
        scale_row(x + VP, x + VP, LANE_1(times), VP);
        scale_row(x + 2 * VP, x + 2 * VP, LANE_2(times), VP);
        scale_row(x + 3 * VP, x + 3 * VP, LANE_3(times), VP);

        REAL each_sum[LANES], each_highest[LANES];
        __builtin_memcpy(each_sum, &sums, sizeof sums);
        __builtin_memcpy(each_highest, &highest, sizeof highest);
        for (idx j = 0; weights && j < rows; j++) {
            x[j * VP + k->target[r + j]] -= each_share[j];
            double below = at_target[j] - (double)each_highest[j];
            loss += weights[r + j] * (log_of((double)each_sum[j]) - below);
        }
        for (idx j = 0; !weights && j < rows; j++) {
            x[j * VP + k->target[r + j]] -= share;
            product_of_sums *= (double)each_sum[j]; /* of 4 numbers from 1 to V: one logarithm */
            at_targets -= (double)each_highest[j];
        }
        if (!weights)
            loss += log_of(product_of_sums) - at_targets;
    }
    return loss;
}

/* The gradient dy^T x of a matrix [rows x cols], from N rows dy and x. */
PART void weight_gradient(REAL *g, const REAL *dy, const REAL *x, idx rows, idx cols, idx N,
                            int mode)
{
    product(g, cols, by_column(dy, padded(rows)), x, cols, rows, N, cols, mode);
}

/* Gradients of one unit's loss, set or added to g, from dlogits in k->logits. */
INLINE void backward_of(const Model *model, const Shape *s, Work *k, idx N, idx documents, REAL *g,
                        int mode)
{
    const idx C = s->C, V = s->V, CP = s->CP, F = s->F, FP = s->FP, VP = s->VP;
    const int squared = model->config.relu_squared;
    const REAL *w = model->w;
    product(k->dx, CP, by_row(k->logits, VP), w + s->lm_head, CP, N, V, CP, SET);
    weight_gradient(g + s->lm_head, k->logits, k->x, V, CP, N, mode);
    for (idx l = s->L - 1; l >= 0; l--) {
        idx at = l * (s->rows + SLACK);
        REAL *norm1 = k->norm1 + at * CP, *norm2 = k->norm2 + at * CP;
        REAL *qkv = k->qkv + at * 3 * CP, *looks = k->looks + at * s->looks;
        REAL *heads = k->heads + at * CP, *positive = k->positive + at * FP;
        REAL *hidden = squared ? k->hidden + at * FP : positive;
        /* x = fc2 act(fc1 norm2) + middle: section 5; the residual passes dx on as it is. */
        product(k->dhidden, FP, by_row(k->dx, CP), w + at_fc2(s, l), FP, N, C, FP, SET);
        weight_gradient(g + at_fc2(s, l), k->dx, hidden, C, FP, N, mode);
        activate_back(k->dhidden, positive, N * FP, squared);
        product(k->dnorm, CP, by_row(k->dhidden, FP), w + at_fc1(s, l), CP, N, F, CP, SET);
        weight_gradient(g + at_fc1(s, l), k->dhidden, norm2, F, CP, N, mode);
        rmsnorm_back(k->dx, k->dnorm, norm2, k->scale2 + at * LANES / 4, N, C, CP, ADD);
        /* middle = wo attention(wq wk wv norm1) + x: sections 2 and 4. */
        product(k->dheads, CP, by_row(k->dx, CP), w + at_wo(s, l), CP, N, C, CP, SET);
        weight_gradient(g + at_wo(s, l), k->dx, heads, C, CP, N, mode);
        for (idx i = 0; i < documents; i++) {
            idx a = k->start[i], n = k->start[i + 1] - a;
            const REAL *from = k->dheads + a * CP;
            REAL *to = k->dqkv + a * 3 * CP;
            if (s->D == 4)
                attend_four_back(qkv + a * 3 * CP, looks + a * s->looks, from, to, k->dlooks, n, CP,
                                 s->looks);
            else
                attend_any_back(s, qkv + a * 3 * CP, looks + a * s->looks, from, to, k->dlooks,
                                k->pack, n);
        }
        product(k->dnorm, CP, by_row(k->dqkv, 3 * CP), w + at_qkv(s, l), CP, N, 3 * CP, CP, SET);
        weight_gradient(g + at_qkv(s, l), k->dqkv, norm1, 3 * CP, CP, N, mode);
        rmsnorm_back(k->dx, k->dnorm, norm1, k->scale1 + at * LANES / 4, N, C, CP, ADD);
    }
    rmsnorm_back(k->dnorm, k->dx, k->norm0, k->scale0, N, C, CP, SET);
    for (idx r = 0; r < N; r++) { /* section 6 */
        REAL *token = g + s->wte + k->token[r] * CP, *place = g + s->wpe + k->position[r] * CP;
        for (idx i = 0; i < CP; i += LANES) {
            vec d = load(k->dnorm + r * CP + i);
            store(token + i, load(token + i) + d);
            store(place + i, load(place + i) + d);
        }
    }
}

/* The three passes, and the same compiled for the presets' shape: what the compiler knows to be 16
   needs no loop. */
INLINE Shape preset_shape(const Shape *s)
{
    Shape known = *s;
    known.C = 16, known.CP = 16, known.F = 64, known.FP = 64, known.H = 4, known.D = 4;
    known.L = 1, known.VP = 32;
    return known;
}
INLINE int is_preset(const Shape *s)
{
#ifdef __wasm__
    (void)s;
    return 0; /* there it would double the code for 5 % of the time */
#else
    return s->C == 16 && s->H == 4 && s->L == 1 && s->VP == 32;
#endif
}

static void forward(const Model *model, Work *k, idx N, idx documents)
{
    if (is_preset(&model->s)) {
        Shape known = preset_shape(&model->s);
        forward_of(model, &known, k, N, documents);
    } else {
        forward_of(model, &model->s, k, N, documents);
    }
}

static double cross_entropy(const Model *model, Work *k, idx N, double positions)
{
    if (is_preset(&model->s)) {
        Shape known = preset_shape(&model->s);
        return cross_entropy_of(model, &known, k, N, positions, NULL);
    }
    return cross_entropy_of(model, &model->s, k, N, positions, NULL);
}

NOINLINE double weighted_cross_entropy(const Model *model, Work *k, idx N, double positions,
                                     const double *weights)
{
    return cross_entropy_of(model, &model->s, k, N, positions, weights);
}

static void backward(const Model *model, Work *k, idx N, idx documents, REAL *g, int mode)
{
    if (is_preset(&model->s)) {
        Shape known = preset_shape(&model->s);
        backward_of(model, &known, k, N, documents, g, mode);
    } else {
        backward_of(model, &model->s, k, N, documents, g, mode);
    }
}
