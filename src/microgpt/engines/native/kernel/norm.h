/* rmsnorm: y = x * scale with scale = (mean(x^2) + 1e-5)^-0.5, row by row of [N x CP]. */

#define NORM_EPS ((REAL)1e-5)

INLINE REAL inverse_root_of(REAL x)
{
    return 1 / (REAL_BITS == 64 ? (REAL)__builtin_sqrt(x) : (REAL)__builtin_sqrtf((float)x));
}

INLINE REAL row_dot(const REAL *a, const REAL *b, idx width)
{
    vec sum = load(a) * load(b);
    for (idx i = LANES; i < width; i += LANES)
        sum = mul_add(load(a + i), load(b + i), sum);
    return sum_lanes(sum);
}

INLINE void rmsnorm(REAL *y, REAL *scale, const REAL *x, idx N, idx C, idx CP)
{
    const REAL part = 1 / (REAL)C;
    for (idx r = 0; r < N; r++, x += CP, y += CP) {
        scale[r] = inverse_root_of(row_dot(x, x, CP) * part + NORM_EPS);
        for (idx i = 0; i < CP; i += LANES)
            store(y + i, load(x + i) * splat(scale[r]));
    }
}

/* dx (+)= (dy - y * mean(dy * y)) * scale: notes/backward.md, section 3. */
INLINE void rmsnorm_back(REAL *dx, const REAL *dy, const REAL *y, const REAL *scale, idx N, idx C,
                         idx CP, int mode)
{
    const REAL part = 1 / (REAL)C;
    for (idx r = 0; r < N; r++, dx += CP, dy += CP, y += CP) {
        vec along = splat(-row_dot(dy, y, CP) * part), times = splat(scale[r]);
        for (idx i = 0; i < CP; i += LANES) {
            vec d = mul_add(along, load(y + i), load(dy + i)) * times;
            if (mode == ADD)
                d += load(dx + i);
            store(dx + i, d);
        }
    }
}
