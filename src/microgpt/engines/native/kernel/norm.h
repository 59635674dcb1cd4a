/* rmsnorm: y = x * scale with scale = (mean(x^2) + 1e-5)^-0.5, row by row of [N x CP].

   Four rows at a time, so that their sums share shuffles and roots; up to 3 rows past the last are
   computed and never used (arrays of rows have SLACK rows more). The scales of rows 4 i ... 4 i + 3
   are lanes 0 ... 3 of vector i of `scale`. */

#define NORM_EPS ((REAL)1e-5)

INLINE vec row_dot(const REAL *a, const REAL *b, idx width)
{
    vec sum = load(a) * load(b);
    for (idx i = LANES; i < width; i += LANES)
        sum = mul_add(load(a + i), load(b + i), sum);
    return sum;
}

PART vec four_dots(const REAL *a, const REAL *b, idx width)
{
    return row_sums(row_dot(a, b, width), row_dot(a + width, b + width, width),
                    row_dot(a + 2 * width, b + 2 * width, width),
                    row_dot(a + 3 * width, b + 3 * width, width));
}

INLINE vec inverse_root(vec x)
{
#if HAVE_GUESS
    vec y = guess_inverse_root(x); /* and a Newton step */
    return y * mul_add(x * y * (REAL)-0.5, y, splat((REAL)1.5));
#else
    return 1 / root(x);
#endif
}

PART void scale_row(REAL *y, const REAL *x, vec scale, idx width)
{
    for (idx i = 0; i < width; i += LANES)
        store(y + i, load(x + i) * scale);
}

PART void rmsnorm(REAL *y, REAL *scale, const REAL *x, idx N, idx C, idx CP)
{
    const REAL part = 1 / (REAL)C;
    for (idx r = 0; r < N; r += 4, x += 4 * CP, y += 4 * CP, scale += LANES) {
        vec s = inverse_root(four_dots(x, x, CP) * part + NORM_EPS);
        store(scale, s);
        scale_row(y, x, LANE_0(s), CP);
        scale_row(y + CP, x + CP, LANE_1(s), CP);
        scale_row(y + 2 * CP, x + 2 * CP, LANE_2(s), CP);
        scale_row(y + 3 * CP, x + 3 * CP, LANE_3(s), CP);
    }
}

PART void norm_row_back(REAL *dx, const REAL *dy, const REAL *y, vec along, vec scale, idx width,
                          int mode)
{
    for (idx i = 0; i < width; i += LANES) {
        vec d = mul_add(along, load(y + i), load(dy + i)) * scale;
        if (mode == ADD)
            d += load(dx + i);
        store(dx + i, d);
    }
}

/* dx (+)= (dy - y * mean(dy * y)) * scale: notes/backward.md, section 3. */
PART void rmsnorm_back(REAL *dx, const REAL *dy, const REAL *y, const REAL *scale, idx N, idx C,
                         idx CP, int mode)
{
    const REAL part = -1 / (REAL)C;
    for (idx r = 0; r < N; r += 4, dx += 4 * CP, dy += 4 * CP, y += 4 * CP, scale += LANES) {
        vec s = load(scale), along = four_dots(dy, y, CP) * part;
        norm_row_back(dx, dy, y, LANE_0(along), LANE_0(s), CP, mode);
        norm_row_back(dx + CP, dy + CP, y + CP, LANE_1(along), LANE_1(s), CP, mode);
        norm_row_back(dx + 2 * CP, dy + 2 * CP, y + 2 * CP, LANE_2(along), LANE_2(s), CP, mode);
        norm_row_back(dx + 3 * CP, dy + 3 * CP, y + 3 * CP, LANE_3(along), LANE_3(s), CP, mode);
    }
}
