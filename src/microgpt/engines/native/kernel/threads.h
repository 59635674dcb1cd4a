/* Running one function in several threads, and letting them wait for each other. Without
   MG_THREADS (WebAssembly) there is one. Threads live for one call: creating them costs some
   50 us, a call trains for some 50 ms. */

#ifdef MG_THREADS
#include <pthread.h>
#include <sched.h>

typedef struct {
    int members;
    int waiting, round; /* atomic */
} Barrier;

static void wait_for_all(Barrier *b)
{
    if (b->members == 1)
        return;
    int round = __atomic_load_n(&b->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&b->waiting, 1, __ATOMIC_ACQ_REL) == b->members) {
        __atomic_store_n(&b->waiting, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&b->round, round + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int spins = 0; __atomic_load_n(&b->round, __ATOMIC_ACQUIRE) == round; spins++)
        if (spins > 2000) /* about 20 us: then let others have the core */
            sched_yield();
}

typedef struct {
    void (*work)(void *job, int me, int threads);
    void *job;
    int me;
    int *threads; /* 0 until all are there */
} Member;

static void *begin(void *member)
{
    Member *self = member;
    int threads;
    while (!(threads = __atomic_load_n(self->threads, __ATOMIC_ACQUIRE)))
        sched_yield();
    self->work(self->job, self->me, threads);
    return NULL;
}

enum { MOST_THREADS = MOST_CHUNKS };

/* work(job, me, n) for me = 0 ... n - 1, n at most `threads` (fewer if the system gives fewer). */
static void together(void (*work)(void *, int, int), void *job, Barrier *barrier, int threads)
{
    pthread_t ids[MOST_THREADS];
    Member members[MOST_THREADS];
    int started = 0, n = 1;
    for (; n < threads; n++) {
        members[n] = (Member){work, job, n, &started};
        if (pthread_create(&ids[n], NULL, begin, &members[n]))
            break;
    }
    *barrier = (Barrier){n, 0, 0};
    __atomic_store_n(&started, n, __ATOMIC_RELEASE);
    work(job, 0, n);
    for (int i = 1; i < n; i++)
        pthread_join(ids[i], NULL);
}
#else
enum { MOST_THREADS = 1 };

typedef struct {
    int members;
} Barrier;

static void wait_for_all(Barrier *b) { (void)b; }

static void together(void (*work)(void *, int, int), void *job, Barrier *barrier, int threads)
{
    (void)barrier, (void)threads;
    work(job, 0, 1);
}
#endif
