/* Trains with the kernel and prints every loss: for processors that only an emulator can run.

   Standard input, little-endian: Config, then int32 steps and documents, then the weights (REAL),
   offsets (int64, documents + 1), documents and positions of each step (int64), learning rates
   (float64), tokens (int32). Compiled into one program with the kernel itself. */

#include "kernel.c"

#include <stdio.h>
#include <stdlib.h>

static void *numbers_in(size_t count, size_t size)
{
    void *all = malloc(count * size + 1);
    if (!all || fread(all, size, count, stdin) != count)
        exit(3);
    return all;
}

int main(void)
{
    Config *config = numbers_in(1, sizeof(Config));
    int32_t *sizes = numbers_in(2, sizeof(int32_t));
    Shape s = shape_of(config);
    idx parameters = 12 * s.C * s.C * s.L + (2 * s.V + s.T) * s.C;
    REAL *weights = numbers_in((size_t)parameters, sizeof(REAL));
    int64_t *offsets = numbers_in((size_t)sizes[1] + 1, sizeof(int64_t));
    int64_t *counts = numbers_in((size_t)sizes[0], sizeof(int64_t));
    int64_t *positions = numbers_in((size_t)sizes[0], sizeof(int64_t));
    double *lrs = numbers_in((size_t)sizes[0], sizeof(double));
    int32_t *tokens = numbers_in((size_t)offsets[sizes[1]], sizeof(int32_t));
    double *losses = calloc((size_t)sizes[0], sizeof(double));

    size_t bytes = ((size_t)NAME(size)(config) + 63) / 64 * 64;
    Model *model = NAME(init)(aligned_alloc(64, bytes), config);
    if (!bytes || !model)
        return 4;
    NAME(set)(model, WEIGHTS, weights);
    int refused = NAME(steps)(model, tokens, offsets, counts, positions, NULL, sizes[0], lrs, 0, losses);
    for (int i = 0; i < sizes[0] && !refused; i++)
        printf("%.17g\n", losses[i]);
    return refused ? 5 : 0;
}
