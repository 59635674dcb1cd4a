/* Attention of one document's n positions, two ways with the same results up to rounding:
   `_four` for heads of 4 numbers, where a vector holds whole heads, and `_any` by products.

   q, k, v of a position lie in one row of qkv [N x 3 CP]. `looks` keeps the attention weights for
   the backward pass. Derivation: notes/backward.md, section 4. */

/* ---- heads of four numbers ----
   A row of looks is a row of CP numbers for each group of four earlier positions: lane (h, j) of
   group g is head h's weight of position 4 g + j. Positions of the last group that don't exist or
   lie ahead get -infinity, so weight 0. Rows up to 3 past the last are read, times 0. */

#define FOUR_TIMES(a, b, c, d) {a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d}
static const REAL BAN_AHEAD[5][16] __attribute__((aligned(64))) = {
    {0}, /* by the number of positions there are in the last group */
    FOUR_TIMES(0, MINUS_INFINITY, MINUS_INFINITY, MINUS_INFINITY),
    FOUR_TIMES(0, 0, MINUS_INFINITY, MINUS_INFINITY),
    FOUR_TIMES(0, 0, 0, MINUS_INFINITY),
    {0},
};

/* In lane (h, j): sum over head h of a * (row j of b). */
INLINE vec dot_four(vec a, const REAL *b, idx ld)
{
    return four_sums(a * load(b), a * load(b + ld), a * load(b + 2 * ld), a * load(b + 3 * ld));
}

/* sum + weights of a group times its four rows of b. */
INLINE vec add_four(vec sum, vec weights, const REAL *b, idx ld)
{
    sum = mul_add(LANE_0(weights), load(b), sum);
    sum = mul_add(LANE_1(weights), load(b + ld), sum);
    sum = mul_add(LANE_2(weights), load(b + 2 * ld), sum);
    return mul_add(LANE_3(weights), load(b + 3 * ld), sum);
}

/* Scores of position q against one group of k's rows, of which `there` (at least 1) exist. */
PART vec score_four(const REAL *q, const REAL *k, idx ld, idx there)
{
    vec query = load(q) * (REAL)0.5; /* 1 / sqrt(head_dim) */
    return dot_four(query, k, ld) + load(BAN_AHEAD[there < 4 ? there : 4]);
}

/* Scores of one position -> weights, in place, CP numbers from group to group. */
PART void softmax_four(REAL *looks, idx groups, idx CP)
{
    vec most = load(looks), sum = {0};
    for (idx g = 1; g < groups; g++)
        most = larger(most, load(looks + g * CP));
    most = group_largest(most);
    for (idx g = 0; g < groups; g++) {
        vec x = exp_negative(load(looks + g * CP) - most);
        sum += x;
        store(looks + g * CP, x);
    }
    vec inverse = 1 / group_sum(sum);
    for (idx g = 0; g < groups; g++)
        store(looks + g * CP, load(looks + g * CP) * inverse);
}

/* One position looks at n rows of k and v [n x ld]; its output goes to out [CP]. For sampling. */
INLINE void look_four(REAL *out, REAL *looks, const REAL *q, const REAL *k, const REAL *v, idx ld,
                      idx n, idx CP)
{
    for (idx c = 0; c < CP; c += LANES) {
        vec result = {0};
        for (idx g = 0; 4 * g < n; g++)
            store(looks + g * CP + c, score_four(q + c, k + 4 * g * ld + c, ld, n - 4 * g));
        softmax_four(looks + c, (n + 3) / 4, CP);
        for (idx g = 0; 4 * g < n; g++)
            result = add_four(result, load(looks + g * CP + c), v + 4 * g * ld + c, ld);
        store(out + c, result);
    }
}

/* The same for every position t of a document, which looks at positions 0 ... t. In three sweeps,
   so that the processor has many independent results under way. */
PART void attend_four(const REAL *qkv, REAL *looks, REAL *heads, idx n, idx CP, idx width)
{
    const idx ld = 3 * CP;
    const REAL *k = qkv + CP, *v = qkv + 2 * CP;
    for (idx c = 0; c < CP; c += LANES) {
        for (idx g = 0; 4 * g < n; g++)
            for (idx t = 4 * g; t < n; t++)
                store(looks + t * width + g * CP + c,
                      score_four(qkv + t * ld + c, k + 4 * g * ld + c, ld, t + 1 - 4 * g));
        for (idx t = 0; t < n; t++)
            softmax_four(looks + t * width + c, t / 4 + 1, CP);
        for (idx t = 0; t < n; t++) {
            vec result = {0};
            for (idx g = 0; 4 * g <= t; g++)
                result = add_four(result, load(looks + t * width + g * CP + c),
                                  v + 4 * g * ld + c, ld);
            store(heads + t * CP + c, result);
        }
    }
}

/* dqkv from dheads, by way of dlooks (the gradients of the scores). */
PART void attend_four_back(const REAL *qkv, const REAL *looks, const REAL *dheads, REAL *dqkv,
                             REAL *dlooks, idx n, idx CP, idx width)
{
    const idx ld = 3 * CP;
    const REAL *k = qkv + CP, *v = qkv + 2 * CP;
    for (idx c = 0; c < CP; c += LANES) {
        for (idx t = 0; t < n; t++) {
            idx groups = t / 4 + 1;
            vec dhead = load(dheads + t * CP + c), along = {0}, dq = {0};
            const REAL *look = looks + t * width + c;
            REAL *dlook = dlooks + t * width + c;
            for (idx g = 0; g < groups; g++) {
                vec x = dot_four(dhead, v + 4 * g * ld + c, ld);
                along = mul_add(x, load(look + g * CP), along);
                store(dlook + g * CP, x);
            }
            along = group_sum(along);
            for (idx g = 0; g < groups; g++) {
                vec x = (load(dlook + g * CP) - along) * load(look + g * CP) * (REAL)0.5;
                store(dlook + g * CP, x);
                dq = add_four(dq, x, k + 4 * g * ld + c, ld);
            }
            store(dqkv + t * ld + c, dq);
        }
        for (idx s = 0; s < n; s += 4) {
            vec dk[4] = {{0}}, dv[4] = {{0}};
            for (idx t = s; t < n; t++) {
                vec p = load(looks + t * width + s / 4 * CP + c);
                vec d = load(dlooks + t * width + s / 4 * CP + c);
                vec q = load(qkv + t * ld + c), dhead = load(dheads + t * CP + c);
                dk[0] = mul_add(LANE_0(d), q, dk[0]);
                dk[1] = mul_add(LANE_1(d), q, dk[1]);
                dk[2] = mul_add(LANE_2(d), q, dk[2]);
                dk[3] = mul_add(LANE_3(d), q, dk[3]);
                dv[0] = mul_add(LANE_0(p), dhead, dv[0]);
                dv[1] = mul_add(LANE_1(p), dhead, dv[1]);
                dv[2] = mul_add(LANE_2(p), dhead, dv[2]);
                dv[3] = mul_add(LANE_3(p), dhead, dv[3]);
            }
            UNROLL for (int j = 0; j < 4; j++)
            {
                if (s + j < n) {
                    store(dqkv + (s + j) * ld + CP + c, dk[j]);
                    store(dqkv + (s + j) * ld + 2 * CP + c, dv[j]);
                }
            }
        }
    }
}

/* ---- heads of any size ----
   A row of looks is [H x TP]: for each head the weights of all positions, 0 for those ahead. */

/* One head of n rows x [n x ld] as rows [n x DP], filled up with zeros; or turned, [D x TP]. */
static void pack(REAL *to, const REAL *x, idx ld, idx n, const Shape *s)
{
    for (idx t = 0; t < n; t++)
        for (idx d = 0; d < s->DP; d++)
            to[t * s->DP + d] = d < s->D ? x[t * ld + d] : 0;
}
static void pack_turned(REAL *to, const REAL *x, idx ld, idx n, const Shape *s)
{
    for (idx d = 0; d < s->D; d++)
        for (idx t = 0; t < padded(n); t++)
            to[d * s->TP + t] = t < n ? x[t * ld + d] : 0;
}
static void unpack(REAL *to, idx ld, const REAL *from, idx n, const Shape *s)
{
    for (idx t = 0; t < n; t++)
        for (idx d = 0; d < s->D; d++)
            to[t * ld + d] = from[t * s->DP + d];
}

/* Softmax of the first n of x [padded(n)] after multiplication by `times`; the rest becomes 0. */
static void softmax_row(REAL *x, idx n, idx width, REAL times)
{
    vec most = splat(MINUS_INFINITY), sum = {0};
    for (idx i = 0; i < width; i += LANES)
        store(x + i, load(x + i) * times);
    for (idx i = n; i < width; i++)
        x[i] = MINUS_INFINITY;
    for (idx i = 0; i < width; i += LANES)
        most = larger(most, load(x + i));
    most = splat(max_lanes(most));
    for (idx i = 0; i < width; i += LANES) {
        vec e = exp_negative(load(x + i) - most);
        sum += e;
        store(x + i, e);
    }
    vec inverse = splat(1 / sum_lanes(sum));
    for (idx i = 0; i < width; i += LANES)
        store(x + i, load(x + i) * inverse);
}

INLINE REAL score_scale(const Shape *s)
{
    return 1 / (REAL_BITS == 64 ? (REAL)__builtin_sqrt((double)s->D)
                                : (REAL)__builtin_sqrtf((float)s->D));
}

static void attend_any(const Shape *s, const REAL *qkv, REAL *looks, REAL *heads, REAL *room,
                       idx n)
{
    const idx ld = 3 * s->CP, width = padded(n);
    REAL *turned = room, *rows = room + s->TP * s->DP, *out = rows + s->TP * s->DP;
    for (idx h = 0; h < s->H; h++) {
        const REAL *q = qkv + h * s->D, *k = q + s->CP, *v = k + s->CP;
        REAL *look = looks + h * s->TP;
        pack_turned(turned, k, ld, n, s);
        pack(rows, v, ld, n, s);
        product(look, s->looks, by_row(q, ld), turned, s->TP, n, s->D, width, SET);
        for (idx t = 0; t < n; t++)
            softmax_row(look + t * s->looks, t + 1, width, score_scale(s));
        product(out, s->DP, by_row(look, s->looks), rows, s->DP, n, n, s->DP, SET);
        unpack(heads + h * s->D, s->CP, out, n, s);
    }
}

static void attend_any_back(const Shape *s, const REAL *qkv, const REAL *looks, const REAL *dheads,
                            REAL *dqkv, REAL *dlooks, REAL *room, idx n)
{
    const idx ld = 3 * s->CP, width = padded(n), DP = s->DP;
    REAL *turned = room, *rows = room + s->TP * DP, *out = rows + s->TP * DP;
    for (idx h = 0; h < s->H; h++) {
        const REAL *q = qkv + h * s->D, *k = q + s->CP, *v = k + s->CP, *do_ = dheads + h * s->D;
        REAL *dq = dqkv + h * s->D, *dk = dq + s->CP, *dv = dk + s->CP;
        const REAL *look = looks + h * s->TP;
        pack_turned(turned, v, ld, n, s);
        product(dlooks, s->TP, by_row(do_, s->CP), turned, s->TP, n, s->D, width, SET);
        for (idx t = 0; t < n; t++) {
            const REAL *p = look + t * s->looks;
            REAL *d = dlooks + t * s->TP;
            vec along = splat(sum_lanes(row_dot(p, d, width))), times = splat(score_scale(s));
            for (idx i = 0; i < width; i += LANES)
                store(d + i, (load(d + i) - along) * load(p + i) * times);
        }
        pack(rows, do_, s->CP, n, s);
        product(out, DP, by_column(look, s->looks), rows, DP, n, n, DP, SET);
        unpack(dv, ld, out, n, s);
        pack(rows, k, ld, n, s);
        product(out, DP, by_row(dlooks, s->TP), rows, DP, n, n, DP, SET);
        unpack(dq, ld, out, n, s);
        pack(rows, q, ld, n, s);
        product(out, DP, by_column(dlooks, s->TP), rows, DP, n, n, DP, SET);
        unpack(dk, ld, out, n, s);
    }
}

/* One position of any head size looks at n rows; for sampling. */
static void look_any(const Shape *s, REAL *out, REAL *looks, const REAL *q, const REAL *k,
                     const REAL *v, idx ld, idx n)
{
    for (idx h = 0; h < s->H; h++) {
        idx at = h * s->D;
        for (idx t = 0; t < n; t++) {
            REAL sum = 0;
            for (idx d = 0; d < s->D; d++)
                sum += q[at + d] * k[t * ld + at + d];
            looks[t] = sum;
        }
        softmax_row(looks, n, padded(n), score_scale(s));
        for (idx d = 0; d < s->D; d++) {
            REAL sum = 0;
            for (idx t = 0; t < n; t++)
                sum += looks[t] * v[t * ld + at + d];
            out[at + d] = sum;
        }
    }
}
