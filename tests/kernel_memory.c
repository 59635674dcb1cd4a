/* Every call of the kernel over several shapes, with buffers as small as they may be: for tools
   that watch memory (valgrind, sanitizers, emulators). Prints a line for each shape. */

#include "kernel.c"

#include <stdio.h>
#include <stdlib.h>

static uint32_t state = 1;

/* A whole number from 0 to n - 1. */
static int below(int n)
{
    state = state * 1664525u + 1013904223u;
    return (int)((uint64_t)(state >> 8) * (uint64_t)n >> 24);
}

static void *room(size_t count, size_t size)
{
    void *all = malloc(count * size);
    if (!all && count)
        exit(3);
    return all;
}

enum { DOCUMENTS = 7, STEPS = 3, SAMPLES = 5, STATES = 3 };

static int run(Config config)
{
    const int V = config.vocab_size, T = config.block_size, most = T + 3;
    Shape s = shape_of(&config);
    size_t parameters = (size_t)(12 * s.C * s.C * s.L + (2 * s.V + s.T) * s.C);
    size_t bytes = (size_t)NAME(size)(&config);
    void *arena = aligned_alloc(64, bytes);
    Model *model = NAME(init)(arena, &config);
    if (!model)
        return 4;
    REAL *flat = room(parameters, sizeof(REAL));
    for (size_t i = 0; i < parameters; i++)
        flat[i] = (REAL)((below(2001) - 1000) / 2000.0);
    NAME(set)(model, WEIGHTS, flat);

    /* the first document has a token, the second as many as fit */
    int64_t offsets[DOCUMENTS + 1] = {0, 1, T + 2};
    for (int i = 2; i < DOCUMENTS; i++)
        offsets[i + 1] = offsets[i] + 1 + below(T + 1);
    int32_t *tokens = room((size_t)offsets[DOCUMENTS], sizeof(int32_t));
    for (int i = 0; i < offsets[DOCUMENTS]; i++)
        tokens[i] = below(V);
    int64_t counts[STEPS] = {1, 4, 2}, positions[STEPS] = {1, 2 * T, T};
    double lrs[STEPS] = {0.01, 0.01, 0.01}, losses[STEPS], loss;
    double *weights = room((size_t)(offsets[DOCUMENTS] - DOCUMENTS), sizeof(double));
    for (int i = 0; i < offsets[DOCUMENTS] - DOCUMENTS; i++)
        weights[i] = below(5) - 2;
    int refused = NAME(steps)(model, tokens, offsets, counts, positions, NULL, STEPS, lrs, 0, losses);
    refused |= NAME(steps)(model, tokens, offsets, counts, positions, weights, STEPS, lrs, 3, losses);
    refused |= NAME(grads)(model, tokens, offsets, DOCUMENTS, T, NULL, &loss, flat);
    refused |= NAME(grads)(model, tokens, offsets, DOCUMENTS, T, weights, &loss, flat);
    for (int which = WEIGHTS; which <= SQUARES; which++)
        NAME(get)(model, which, flat);

    int64_t shorter[DOCUMENTS + 1] = {0}; /* lists of at most T tokens, one of them empty */
    for (int i = 1; i < DOCUMENTS; i++)
        shorter[i + 1] = shorter[i] + (offsets[i + 1] - offsets[i] < T ? offsets[i + 1] - offsets[i] : T);
    REAL *logits = room((size_t)(shorter[DOCUMENTS] * V), sizeof(REAL));
    refused |= NAME(logits)(model, tokens, shorter, DOCUMENTS, logits);

    int64_t prefixes[SAMPLES + 1] = {0, 0, 0, 1, 1, 1 + T / 2};
    double *uniforms = room((size_t)(SAMPLES * most), sizeof(double)), used;
    int32_t *next = room((size_t)(STATES * V), sizeof(int32_t));
    uint8_t *banned = room((size_t)(STATES * V), 1);
    int32_t *out = room((size_t)(SAMPLES * most), sizeof(int32_t)), lengths[SAMPLES];
    for (int i = 0; i < SAMPLES * most; i++)
        uniforms[i] = below(1 << 20) / 1048576.0;
    for (int i = 0; i < STATES * V; i++)
        next[i] = below(STATES), banned[i] = i % V && below(3) == 0;
    double drawn = 0;
    for (int way = 0; way < 8; way++) {
        refused |= NAME(sample)(model, tokens, prefixes, SAMPLES, most, 1.25, way & 2 ? 3 : 0,
                                way & 2 ? 0.9 : 0, uniforms, way & 1, way & 4 ? next : NULL,
                                way & 4 ? banned : NULL, way & 4 ? STATES : 0, out, lengths, &used);
        for (int i = 0; i < SAMPLES; i++) {
            drawn += lengths[i];
            for (int t = 0; t < lengths[i]; t++)
                drawn += out[i * most + t] < 0 || out[i * most + t] >= V ? 1e9 : 0;
        }
    }
    tokens[0] = V;
    refused |= NAME(logits)(model, tokens, shorter + 1, 1, logits) != BAD_TOKEN;
    printf("%d %d %d %d %d: refused %d, losses %.9g %.9g %.9g, grads %.9g, drawn %g\n",
           config.n_layer, config.n_embd, config.n_head, T, V, refused, losses[0], losses[1],
           losses[2], loss, drawn);
    free(arena), free(flat), free(tokens), free(logits), free(weights);
    free(uniforms), free(next), free(banned), free(out);
    return refused;
}

int main(void)
{
    const int shapes[][5] = {
        {1, 16, 4, 16, 27}, {1, 1, 1, 1, 2},  {2, 12, 3, 5, 17},
        {1, 20, 5, 33, 40}, {3, 70, 2, 9, 3}, {1, 34, 17, 17, 100},
    };
    int wrong = 0;
    for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++) {
        const int *x = shapes[i];
        wrong |= run((Config){x[0], x[1], x[2], x[3], x[4], i & 1, i & 2, 1 + i % 2 * (MOST_THREADS > 1),
                              0.85, 0.99, 1e-8});
    }
    return wrong;
}
