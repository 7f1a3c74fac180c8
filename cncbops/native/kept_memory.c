#include "kept_memory.h"

#include "native.h"

/* Sizes are of whole steps. What is larger than all of these is not kept, nor is what comes beyond the most. */
enum { STEP = 128, STEPS = 32, MOST_BYTES = 4 << 20 };

typedef struct Piece {
    struct Piece *next;
} Piece;

static Piece *of_steps[STEPS];
static size_t kept_bytes;

static size_t steps_of(size_t bytes)
{
    return (bytes + STEP - 1) / STEP;
}

void *kept_memory_take(size_t bytes)
{
    size_t steps = steps_of(bytes);
    Piece *piece = steps < STEPS ? of_steps[steps] : NULL;
    if (!piece)
        return PyObject_Malloc(steps * STEP);
    of_steps[steps] = piece->next;
    __builtin_prefetch(piece->next); /* taken soon, and given back so long ago that it is in no cache */
    kept_bytes -= steps * STEP;
    return piece;
}

void kept_memory_give_back(void *memory, size_t bytes)
{
    size_t steps = steps_of(bytes);
    if (steps >= STEPS || kept_bytes >= MOST_BYTES) {
        PyObject_Free(memory);
        return;
    }
    Piece *piece = memory;
    piece->next = of_steps[steps];
    of_steps[steps] = piece;
    kept_bytes += steps * STEP;
}
