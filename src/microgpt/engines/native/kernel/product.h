/* Matrix products, all of one form: out[r][n] (+)= sum over k of a[r, k] * b[k][n].

   a is read through two strides, so that the same loop serves the three products of a linear layer
   y = x W^T (x [N x in], W [out x in], W^T kept beside W):

       y  = x W^T      a = x,  row by row         b = W^T [in x out]
       dx = dy W       a = dy, row by row         b = W   [out x in]
       dW = dy^T x     a = dy, column by column   b = x   [N x in]

   `tile` keeps R x NV vectors of sums in registers; every number of a is used NV times and every
   vector of b R times while they are there. */

enum { SET, ADD, SET_POSITIVE }; /* what happens to the sums; SET_POSITIVE: relu */

#if VECTOR_BYTES == 64
enum { TILE_ROWS = 8 }; /* 32 registers */
#else
enum { TILE_ROWS = 4 }; /* 16 registers */
#endif

typedef struct {
    const REAL *at;
    idx row, k; /* a[r, k] = at[r * row + k * k] */
} Operand;

INLINE void tile_sums(const int R, const int NV, reg sum[8][2], Operand a, const REAL *b, idx ldb,
                      idx K)
{
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < NV; n++) sum[r][n] = (reg){0};
    for (idx k = 0; k < K; k++) {
        reg bk[2];
        UNROLL for (int n = 0; n < NV; n++) bk[n] = reg_load(b + k * ldb + n * REG_LANES);
        UNROLL for (int r = 0; r < R; r++)
        {
            reg x = reg_splat(a.at[r * a.row + k * a.k]);
            UNROLL for (int n = 0; n < NV; n++) sum[r][n] = reg_mul_add(x, bk[n], sum[r][n]);
        }
    }
}

INLINE void tile(const int R, const int NV, REAL *out, idx ldo, Operand a, const REAL *b, idx ldb,
                 idx K, int mode)
{
    reg sum[8][2];
    tile_sums(R, NV, sum, a, b, ldb, K);
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < NV; n++)
    {
        REAL *o = out + r * ldo + n * REG_LANES;
        if (mode == ADD)
            sum[r][n] += reg_load(o);
        if (mode == SET_POSITIVE)
            sum[r][n] = reg_larger(sum[r][n], (reg){0});
        reg_store(o, sum[r][n]);
    }
}

/* A column of tiles, NV vectors wide. The last rows are shared out evenly: 9 rows are 5 and 4,
   because a tile of one row would wait for its own sums. */
INLINE void column(const int NV, REAL *out, idx ldo, Operand a, const REAL *b, idx ldb, idx rows,
                   idx K, int mode)
{
    while (rows) {
        idx R = rows >= 2 * TILE_ROWS ? TILE_ROWS : rows > TILE_ROWS ? (rows + 1) / 2 : rows;
        switch (R) {
        case 1: tile(1, NV, out, ldo, a, b, ldb, K, mode); break;
        case 2: tile(2, NV, out, ldo, a, b, ldb, K, mode); break;
        case 3: tile(3, NV, out, ldo, a, b, ldb, K, mode); break;
        case 4: tile(4, NV, out, ldo, a, b, ldb, K, mode); break;
#if VECTOR_BYTES == 64
        case 5: tile(5, NV, out, ldo, a, b, ldb, K, mode); break;
        case 6: tile(6, NV, out, ldo, a, b, ldb, K, mode); break;
        case 7: tile(7, NV, out, ldo, a, b, ldb, K, mode); break;
        case 8: tile(8, NV, out, ldo, a, b, ldb, K, mode); break;
#endif
        }
        out += R * ldo;
        a.at += R * a.row;
        rows -= R;
    }
}

/* out [rows x cols] of row length ldo; cols a multiple of PAD (so of LANES), K >= 0. */
NOINLINE void product(REAL *out, idx ldo, Operand a, const REAL *b, idx ldb, idx rows, idx K,
                      idx cols, int mode)
{
    idx n = 0;
    for (; n + 2 * REG_LANES <= cols; n += 2 * REG_LANES)
        column(2, out + n, ldo, a, b + n, ldb, rows, K, mode);
    if (REG_LANES > 8 && n < cols) /* else 2 REG_LANES divide PAD */
        column(1, out + n, ldo, a, b + n, ldb, rows, K, mode);
}

/* How a product reads x: row after row, or turned (as x^T). */
INLINE Operand by_row(const REAL *x, idx ld) { return (Operand){x, ld, 1}; }
INLINE Operand by_column(const REAL *x, idx ld) { return (Operand){x, 1, ld}; }
