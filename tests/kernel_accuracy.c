/* exp and log as the kernel computes them, from standard input to standard output: first argument
   "exp" (REAL), "side" (double, the sampler's) or "log" (double). Multiples of 16 numbers. */

#include "kernel.c"

#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
    const char *which = count > 1 ? arguments[1] : "";
    union {
        REAL real[16];
        double wide[16];
    } x __attribute__((aligned(64)));
    const size_t size = strcmp(which, "exp") ? sizeof(double) : sizeof(REAL);
    while (fread(&x, size, 16, stdin) == 16) {
        if (!strcmp(which, "exp"))
            for (int i = 0; i < 16; i += LANES)
                store(x.real + i, exp_negative(load(x.real + i)));
        else if (!strcmp(which, "side"))
            for (int i = 0; i < 16; i += SIDE)
                *(dvec *)(x.wide + i) = exp_doubles(*(dvec *)(x.wide + i));
        else
            for (int i = 0; i < 16; i++)
                x.wide[i] = log_of(x.wide[i]);
        fwrite(&x, size, 16, stdout);
    }
    return 0;
}
