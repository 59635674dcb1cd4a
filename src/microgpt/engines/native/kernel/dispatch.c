/* Which of the compiled levels this processor can run, and which sources they were built from. */

#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#if defined(__x86_64__)
#include <cpuid.h>

/* The registers that the operating system saves: it must know of the wider ones. */
static uint64_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

/* 0: x86-64 as it began (SSE2). 1: AVX2 with fused multiply-add. 2: AVX-512 F, DQ, BW, VL. */
EXPORT int mg_processor_level(void)
{
    unsigned a, b, c, d, extended;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
    if ((c & (fma | osxsave | avx)) != (fma | osxsave | avx))
        return 0;
    if (!__get_cpuid_count(7, 0, &a, &extended, &c, &d))
        return 0;
    uint64_t saved = saved_registers();
    const unsigned avx2 = 1u << 5, avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    if ((saved & 0x06) != 0x06 || !(extended & avx2))
        return 0;
    return (saved & 0xE6) == 0xE6 && (extended & avx512) == avx512 ? 2 : 1;
}
#else
EXPORT int mg_processor_level(void) { return 0; }
#endif

/* The SHA-256 of the sources, put in when they were compiled: tells a stale library. */
EXPORT const char *mg_sources(void) { return MG_SOURCES; }
