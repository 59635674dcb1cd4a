/* Numbers side by side: the one file that knows what the processor can do.

   REAL is float or double (the kernel is compiled once for each). A `vec` holds LANES of them, as
   many as one instruction handles, but at least four: attention works on groups of four lanes.
   Additions, products and comparisons are the compiler's own vector extensions; what these lack
   (a * b + c in one step, maximum, square root, estimates) is taken from the processor's intrinsics, or spelled out. */

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
#define VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define VECTOR_BYTES 32
#elif REAL_BITS == 64
#define VECTOR_BYTES 32 /* four doubles: two registers where one holds two */
#define SPLIT_VECTORS 1
#else
#define VECTOR_BYTES 16
#endif
#ifndef SPLIT_VECTORS
#define SPLIT_VECTORS 0
#endif
#if (VECTOR_BYTES == 16 || SPLIT_VECTORS) && defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if REAL_BITS == 64
typedef double REAL;
typedef int64_t INT;
#else
typedef float REAL;
typedef int32_t INT;
#endif
typedef REAL vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef INT ivec __attribute__((vector_size(VECTOR_BYTES), may_alias));

typedef ptrdiff_t idx;

#define LANES (VECTOR_BYTES * 8 / REAL_BITS)
#define MINUS_INFINITY ((REAL)-__builtin_inf())
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#ifdef __wasm__
#define PART NOINLINE /* half the code, and sooner ready: browsers compile function by function */
#else
#define PART INLINE
#endif
#define UNROLL _Pragma("GCC unroll 16")

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ivec){__VA_ARGS__})
#endif

/* Training in float32 takes numbers below 1.2e-38 for 0. Adam's means of weights that have no
   gradient any more sink there within some 900 steps and stay, and processors are slow with them.
   `flush_tiny` returns what `flush_as` puts back; the setting is the thread's own. */
#if REAL_BITS == 32 && defined(__SSE2__)
INLINE uint64_t flush_tiny(void)
{
    uint64_t before = _mm_getcsr();
    _mm_setcsr((unsigned)before | 0x8040); /* results and operands */
    return before;
}
INLINE void flush_as(uint64_t before) { _mm_setcsr((unsigned)before); }
#elif REAL_BITS == 32 && defined(__aarch64__)
INLINE uint64_t flush_tiny(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1 << 24));
    return before;
}
INLINE void flush_as(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
INLINE uint64_t flush_tiny(void) { return 0; }
INLINE void flush_as(uint64_t before) { (void)before; }
#endif

/* What fits a register, for products and Adam: gcc keeps vectors of two registers in memory (clang
   doesn't, there a reg is a vec). */
#ifndef HALF_REGISTERS
#ifdef __clang__
#define HALF_REGISTERS 0
#else
#define HALF_REGISTERS SPLIT_VECTORS
#endif
#endif
#if HALF_REGISTERS
typedef REAL reg __attribute__((vector_size(VECTOR_BYTES / 2), may_alias));
typedef INT ireg __attribute__((vector_size(VECTOR_BYTES / 2), may_alias));
#else
typedef vec reg;
#endif
enum { REG_LANES = sizeof(reg) / sizeof(REAL) };

INLINE reg reg_load(const REAL *p) { return *(const reg *)p; }
INLINE void reg_store(REAL *p, reg x) { *(reg *)p = x; }
INLINE reg reg_splat(REAL x) { return x - (reg){0}; }
INLINE vec load(const REAL *p) { return *(const vec *)p; }
INLINE void store(REAL *p, vec x) { *(vec *)p = x; }
INLINE vec splat(REAL x) { return x - (vec){0}; } /* x in every lane; -0 and NaN stay */

/* ---- what differs between processors: a * b + c, maximum, root, 1/root, 1/x ---- */

#if VECTOR_BYTES == 64 && REAL_BITS == 32
INLINE vec mul_add(vec a, vec b, vec c) { return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
INLINE vec larger(vec a, vec b) { return (vec)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vec root(vec a) { return (vec)_mm512_sqrt_ps((__m512)a); }
INLINE vec guess_inverse_root(vec a) { return (vec)_mm512_rsqrt14_ps((__m512)a); }
INLINE vec guess_inverse(vec a) { return (vec)_mm512_rcp14_ps((__m512)a); }
#define HAVE_GUESS 1
#elif VECTOR_BYTES == 64
INLINE vec mul_add(vec a, vec b, vec c) { return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
INLINE vec larger(vec a, vec b) { return (vec)_mm512_max_pd((__m512d)a, (__m512d)b); }
INLINE vec root(vec a) { return (vec)_mm512_sqrt_pd((__m512d)a); }
#elif defined(__AVX2__) && defined(__FMA__) && REAL_BITS == 32
INLINE vec mul_add(vec a, vec b, vec c) { return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
INLINE vec larger(vec a, vec b) { return (vec)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vec root(vec a) { return (vec)_mm256_sqrt_ps((__m256)a); }
INLINE vec guess_inverse_root(vec a) { return (vec)_mm256_rsqrt_ps((__m256)a); }
INLINE vec guess_inverse(vec a) { return (vec)_mm256_rcp_ps((__m256)a); }
#define HAVE_GUESS 1
#elif defined(__AVX2__) && defined(__FMA__)
INLINE vec mul_add(vec a, vec b, vec c) { return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
INLINE vec larger(vec a, vec b) { return (vec)_mm256_max_pd((__m256d)a, (__m256d)b); }
INLINE vec root(vec a) { return (vec)_mm256_sqrt_pd((__m256d)a); }
#elif defined(__SSE2__) && REAL_BITS == 32
INLINE vec mul_add(vec a, vec b, vec c) { return a * b + c; }
INLINE vec larger(vec a, vec b) { return (vec)_mm_max_ps((__m128)a, (__m128)b); }
INLINE vec root(vec a) { return (vec)_mm_sqrt_ps((__m128)a); }
#elif defined(__ARM_NEON) && defined(__aarch64__) && REAL_BITS == 32
INLINE vec mul_add(vec a, vec b, vec c)
{
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
INLINE vec larger(vec a, vec b) { return (vec)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
INLINE vec root(vec a) { return (vec)vsqrtq_f32((float32x4_t)a); }
#else
INLINE vec mul_add(vec a, vec b, vec c)
{
#ifdef __aarch64__
    for (int i = 0; i < LANES; i++)
        c[i] = __builtin_fma(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
}
INLINE vec larger(vec a, vec b)
{
    ivec above = a > b;
    return (vec)(((ivec)a & above) | ((ivec)b & ~above));
}
INLINE vec root(vec a)
{
    for (int i = 0; i < LANES; i++)
        a[i] = REAL_BITS == 64 ? (REAL)__builtin_sqrt(a[i]) : (REAL)__builtin_sqrtf((float)a[i]);
    return a;
}
#endif

#if HALF_REGISTERS
INLINE reg reg_mul_add(reg a, reg b, reg c)
{
#ifdef __aarch64__
    return (reg)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}
INLINE reg reg_larger(reg a, reg b)
{
    ireg above = a > b;
    return (reg)(((ireg)a & above) | ((ireg)b & ~above));
}
INLINE reg reg_root(reg a)
{
#ifdef __aarch64__
    return (reg)vsqrtq_f64((float64x2_t)a);
#elif defined(__SSE2__)
    return (reg)_mm_sqrt_pd((__m128d)a);
#else
    return (reg){(REAL)__builtin_sqrt(a[0]), (REAL)__builtin_sqrt(a[1])};
#endif
}
#else
INLINE reg reg_root(reg a) { return root(a); }
INLINE reg reg_mul_add(reg a, reg b, reg c) { return mul_add(a, b, c); }
INLINE reg reg_larger(reg a, reg b) { return larger(a, b); }
#endif

/* x where x >= low, 0 below; a NaN stays, so that a diverged run shows it. */
INLINE vec zero_below(vec x, vec value, REAL low)
{
#if VECTOR_BYTES == 64 && REAL_BITS == 32
    return (vec)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)x, (__m512)splat(low), _CMP_NLT_UQ),
                                    (__m512)value);
#elif VECTOR_BYTES == 64
    return (vec)_mm512_maskz_mov_pd(
        _mm512_cmp_pd_mask((__m512d)x, (__m512d)splat(low), _CMP_NLT_UQ), (__m512d)value);
#else
    return (vec)((ivec)value & ~(ivec)(x < splat(low)));
#endif
}

/* ---- shuffles: all by the same pattern, repeated for each group of four lanes ---- */

#if LANES == 16
#define IN_GROUPS(x, y, a, b, c, d)                                                               \
    SHUFFLE(x, y, a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8, d + 8, a + 12,     \
            b + 12, c + 12, d + 12)
#define ZIP_LOW(x, y) SHUFFLE(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(x, y)                                                                            \
    SHUFFLE(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define IN_GROUPS(x, y, a, b, c, d) SHUFFLE(x, y, a, b, c, d, a + 4, b + 4, c + 4, d + 4)
#define ZIP_LOW(x, y) SHUFFLE(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(x, y) SHUFFLE(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define IN_GROUPS(x, y, a, b, c, d) SHUFFLE(x, y, a, b, c, d)
#define ZIP_LOW(x, y) SHUFFLE(x, y, 0, 4, 1, 5)
#define ZIP_HIGH(x, y) SHUFFLE(x, y, 2, 6, 3, 7)
#endif
#define OTHER LANES /* IN_GROUPS takes lane i of y as OTHER + i */

/* From four vectors: in each group of four lanes, lane j is the sum over that group of x_j; or
   the largest. */
#define REDUCE_FOUR(name, op)                                                                     \
    INLINE vec name(vec x0, vec x1, vec x2, vec x3)                                               \
    {                                                                                             \
        vec a = op(IN_GROUPS(x0, x1, 0, OTHER, 1, OTHER + 1),                                     \
                   IN_GROUPS(x0, x1, 2, OTHER + 2, 3, OTHER + 3));                                \
        vec b = op(IN_GROUPS(x2, x3, 0, OTHER, 1, OTHER + 1),                                     \
                   IN_GROUPS(x2, x3, 2, OTHER + 2, 3, OTHER + 3));                                \
        return op(IN_GROUPS(a, b, 0, 1, OTHER, OTHER + 1),                                        \
                  IN_GROUPS(a, b, 2, 3, OTHER + 2, OTHER + 3));                                   \
    }
INLINE vec plus(vec a, vec b) { return a + b; }
REDUCE_FOUR(four_sums, plus)
REDUCE_FOUR(four_largest, larger)

/* Over the groups of four lanes: lane j becomes the sum of lanes j, 4 + j, 8 + j ...; or the
   largest. */
#if LANES == 16
#define HALF(x) SHUFFLE(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
#define QUARTER(x) SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
#elif LANES == 8
#define HALF(x) SHUFFLE(x, x, 4, 5, 6, 7, 0, 1, 2, 3)
#endif
INLINE vec over_groups_sum(vec x)
{
#if LANES >= 8
    x += HALF(x);
#endif
#if LANES == 16
    x += QUARTER(x);
#endif
    return x;
}
INLINE vec over_groups_largest(vec x)
{
#if LANES >= 8
    x = larger(x, HALF(x));
#endif
#if LANES == 16
    x = larger(x, QUARTER(x));
#endif
    return x;
}

/* In lane j of every group: the sum of all lanes of x_j. Four rows at once cost half of what four
   sums one by one would. */
INLINE vec row_sums(vec x0, vec x1, vec x2, vec x3)
{
    return over_groups_sum(four_sums(x0, x1, x2, x3));
}
INLINE vec row_largest(vec x0, vec x1, vec x2, vec x3)
{
    return over_groups_largest(four_largest(x0, x1, x2, x3));
}
#define LANE_0(x) IN_GROUPS(x, x, 0, 0, 0, 0) /* one lane of four in all of them */
#define LANE_1(x) IN_GROUPS(x, x, 1, 1, 1, 1)
#define LANE_2(x) IN_GROUPS(x, x, 2, 2, 2, 2)
#define LANE_3(x) IN_GROUPS(x, x, 3, 3, 3, 3)

/* The sum, or the largest, of each group of four lanes, in all four of them. */
INLINE vec group_sum(vec x)
{
    x += IN_GROUPS(x, x, 1, 0, 3, 2);
    return x + IN_GROUPS(x, x, 2, 3, 0, 1);
}
INLINE vec group_largest(vec x)
{
    x = larger(x, IN_GROUPS(x, x, 1, 0, 3, 2));
    return larger(x, IN_GROUPS(x, x, 2, 3, 0, 1));
}

/* The sum, or the largest, of all lanes. */
INLINE REAL sum_lanes(vec x) { return over_groups_sum(group_sum(x))[0]; }
INLINE REAL max_lanes(vec x) { return over_groups_largest(group_largest(x))[0]; }

/* ---- turning a square of TURN x TURN numbers over its diagonal ---- */

#if REAL_BITS == 32 && defined(__AVX2__)
/* Eight by eight: vectors of two quarter rows, four apart, then squares of four in each half. Twice
   as fast as with vectors of sixteen, whose shuffles take twice as long. */
enum { TURN = 8 };

INLINE void turn_four(REAL *to, idx ld_to, const REAL *from, idx ld)
{
    __m256 x[4];
    UNROLL for (int i = 0; i < 4; i++) x[i] = _mm256_insertf128_ps(
        _mm256_castps128_ps256(_mm_load_ps(from + i * ld)), _mm_load_ps(from + (i + 4) * ld), 1);
    __m256 a = _mm256_unpacklo_ps(x[0], x[1]), b = _mm256_unpackhi_ps(x[0], x[1]);
    __m256 c = _mm256_unpacklo_ps(x[2], x[3]), d = _mm256_unpackhi_ps(x[2], x[3]);
    _mm256_store_ps(to, _mm256_shuffle_ps(a, c, 0x44));
    _mm256_store_ps(to + ld_to, _mm256_shuffle_ps(a, c, 0xEE));
    _mm256_store_ps(to + 2 * ld_to, _mm256_shuffle_ps(b, d, 0x44));
    _mm256_store_ps(to + 3 * ld_to, _mm256_shuffle_ps(b, d, 0xEE));
}
INLINE void turn(REAL *to, idx ld_to, const REAL *from, idx ld)
{
    turn_four(to, ld_to, from, ld);
    turn_four(to + 4 * ld_to, ld_to, from + 4, ld);
}
#elif HALF_REGISTERS /* number by number */
enum { TURN = 4 };

INLINE void turn(REAL *to, idx ld_to, const REAL *from, idx ld)
{
    UNROLL for (int r = 0; r < 4; r++) UNROLL for (int c = 0; c < 4; c++) to[c * ld_to + r] =
        from[r * ld + c];
}
#else
/* By interleaving the first half of the rows with the second, log2(LANES) times. */
enum { TURN = LANES };

INLINE void turn(REAL *to, idx ld_to, const REAL *from, idx ld)
{
    vec rows[LANES];
    UNROLL for (int i = 0; i < LANES; i++) rows[i] = load(from + i * ld);
    UNROLL for (int round = 1; round < LANES; round *= 2)
    {
        vec next[LANES];
        UNROLL for (int i = 0; i < LANES / 2; i++)
        {
            next[2 * i] = ZIP_LOW(rows[i], rows[i + LANES / 2]);
            next[2 * i + 1] = ZIP_HIGH(rows[i], rows[i + LANES / 2]);
        }
        UNROLL for (int i = 0; i < LANES; i++) rows[i] = next[i];
    }
    UNROLL for (int i = 0; i < LANES; i++) store(to + i * ld_to, rows[i]);
}
#endif

/* ---- exp and log ---- */

/* e^x for x <= 0, as softmax needs it: 0 below the smallest normal result. x = n ln 2 + r with
   |r| <= ln(2)/2, e^r by a polynomial (float64 Taylor to r^13: 4e-18; float32 fitted to r^6: 1e-8).
   Largest errors found by tests/test_kernel_memory.py: 1.02 ulp in float64, 1.05 in float32. */
PART vec exp_negative(vec x)
{
#if REAL_BITS == 64
    const REAL low = -708.0, magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds */
    const REAL ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    const int shift = 52;
    const INT bias = 1023;
#else
    const REAL low = -87.0f, magic = 12582912.0f; /* 1.5 * 2^23 */
    const REAL ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    const int shift = 23;
    const INT bias = 127;
#endif
    vec bounded = larger(x, splat(low));
    vec whole = mul_add(bounded, splat((REAL)1.44269504088896340736), splat(magic));
    ivec n = (ivec)whole - (ivec)splat(magic);
    whole -= magic;
    vec r = mul_add(whole, splat(-ln2_high), x);
    r = mul_add(whole, splat(-ln2_low), r);
#if REAL_BITS == 64
    /* Horner on 1/k!, k = 13 ... 2, in two halves that run side by side. */
    vec r2 = r * r;
    vec even = splat(1.0 / 479001600), odd = splat(1.0 / 6227020800);
    even = mul_add(even, r2, splat(1.0 / 3628800)), odd = mul_add(odd, r2, splat(1.0 / 39916800));
    even = mul_add(even, r2, splat(1.0 / 40320)), odd = mul_add(odd, r2, splat(1.0 / 362880));
    even = mul_add(even, r2, splat(1.0 / 720)), odd = mul_add(odd, r2, splat(1.0 / 5040));
    even = mul_add(even, r2, splat(1.0 / 24)), odd = mul_add(odd, r2, splat(1.0 / 120));
    even = mul_add(even, r2, splat(1.0 / 2)), odd = mul_add(odd, r2, splat(1.0 / 6));
    vec p = mul_add(odd, r, even);
    p = mul_add(p, r2, r) + 1;
#else
    vec p = splat(0.001393368816934526f);
    p = mul_add(p, r, splat(0.008363205008208752f));
    p = mul_add(p, r, splat(0.041666463017463684f));
    p = mul_add(p, r, splat(0.16666576266288757f));
    p = mul_add(p, r, splat(0.5f));
    p = mul_add(p, r * r, r) + 1;
#endif
    return zero_below(x, p * (vec)((n + bias) << shift), low);
}

/* Natural logarithm of a positive normal double: x = 2^k m with m in [sqrt(1/2), sqrt(2)), and
   log m = 2 atanh((m - 1) / (m + 1)) by its series. Largest error found: 1.08 ulp. */
INLINE double log_of(double x)
{
    int64_t bits;
    __builtin_memcpy(&bits, &x, 8);
    if (!(x > 0) || bits >= (int64_t)0x7FF << 52)
        return x > 0 ? x : 0.0 / 0.0; /* infinity and NaN: a diverged run */
    int64_t k = (bits - ((int64_t)0x3FE6A09E << 32)) >> 52;
    bits -= (int64_t)((uint64_t)k << 52);
    double m;
    __builtin_memcpy(&m, &bits, 8);
    double f = m - 1, s = f / (2 + f), z = s * s;
    double series = 2.0 / 19;
    for (int i = 17; i >= 3; i -= 2)
        series = series * z + 2.0 / i;
    /* 2s = f - s f, which keeps the digits of f. */
    return k * 6.93147180369123816490e-01 + (f - (s * (f - z * series) - k * 1.90821492927058770002e-10));
}
