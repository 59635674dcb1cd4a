/* The model's arithmetic: one translation unit in parts, read in this order.

   Compiled once per number type (REAL_BITS 32 or 64) and processor level (MG_LEVEL, a word that
   becomes part of every exported name): mg_f32_avx512_steps and so on. It calls no library, asks
   for no memory (the caller hands over one arena) and keeps nothing outside that arena. Threads
   exist only where MG_THREADS is defined. Compiled without -ffast-math and without contraction:
   where a product and a sum are one instruction, the source says mul_add.

   Shapes in comments: N rows (positions of one or more documents, one below the other),
   C n_embd, F = 4 C, V vocabulary, H heads, D = C / H, T block_size. Rows of every array are
   padded with zeros to a multiple of PAD numbers; the padded widths are written CP, FP, VP. */

#include <stddef.h>
#include <stdint.h>

#define JOIN_(a, b, c, d) a##b##c##_##d
#define JOIN(a, b, c, d) JOIN_(a, b, c, d)
#if REAL_BITS == 64
#define NAME(x) JOIN(mg_f64_, MG_LEVEL, , x)
#else
#define NAME(x) JOIN(mg_f32_, MG_LEVEL, , x)
#endif
#if defined(__wasm__)
#define EXPORT __attribute__((visibility("default"), used))
#elif defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#include "vector.h"    /* numbers side by side, exp, log */
#include "product.h"   /* matrix products */
#include "model.h"     /* sizes, weights, workspace in the arena */
#include "norm.h"      /* rmsnorm and its gradient */
#include "attention.h" /* softmax over earlier positions, and its gradient */
#include "optimizer.h" /* Adam and SGD */
#include "network.h"   /* forward and backward pass over N rows */
#include "threads.h"   /* the same work by several threads */
#include "training.h"  /* a batch: cut into units, summed in a fixed order */
#include "sampling.h"  /* many streams at once, each with its cache */
#include "interface.h" /* what the outside calls */
