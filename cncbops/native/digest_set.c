/* A set of digests in one piece of memory, each where its first bytes put it or behind that. */

#include "digest_set.h"

#include <stdint.h>
#include <stdlib.h>

#define LEAST 1024
#define AHEAD 8

typedef unsigned char Digest[DIGEST_BYTES];

typedef struct {
    PyObject_HEAD
    Digest *slots; /* a free one is all zeros, which a digest may be, too */
    size_t capacity, count;
    bool has_zeros;
} DigestSet;

static bool is_zeros(const Digest digest)
{
    static const Digest zeros;
    return !memcmp(digest, zeros, DIGEST_BYTES);
}

static size_t home(const Digest digest, size_t capacity)
{
    uint64_t first = (uint64_t)digest[0] << 24 | digest[1] << 16 | digest[2] << 8 | digest[3];
    return first * capacity >> 32; /* so that they are nearly in their order */
}

/* Where a digest is, or is to be. There is always a free slot. */
static unsigned char *find(Digest *slots, size_t capacity, const Digest digest)
{
    size_t at = home(digest, capacity);
    while (!is_zeros(slots[at]) && memcmp(slots[at], digest, DIGEST_BYTES))
        at = at + 1 == capacity ? 0 : at + 1;
    return slots[at];
}

/* Have four fifths of the slots be enough for so many more; false with an exception set. */
static bool make_room(DigestSet *set, size_t more)
{
    size_t capacity = set->capacity, needed = (set->count + more) / 4 * 5 + LEAST;
    if (needed <= capacity)
        return true;
    while (capacity < needed)
        capacity += capacity / 4 + LEAST; /* little more: while they move there are both */
    Digest *slots = PyMem_Calloc(capacity, DIGEST_BYTES);
    if (!slots) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t at = 0; at < set->capacity; at++)
        if (!is_zeros(set->slots[at]))
            memcpy(find(slots, capacity, set->slots[at]), set->slots[at], DIGEST_BYTES);
    PyMem_Free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return true;
}

/* Whether it was there already. */
static bool put(DigestSet *set, const Digest digest)
{
    bool was_there;
    if (is_zeros(digest)) {
        was_there = set->has_zeros;
        set->has_zeros = true;
    } else {
        unsigned char *slot = find(set->slots, set->capacity, digest);
        was_there = !is_zeros(slot);
        memcpy(slot, digest, DIGEST_BYTES);
    }
    set->count += !was_there;
    return was_there;
}

static PyObject *add(PyObject *self, PyObject *given)
{
    DigestSet *set = (DigestSet *)self;
    if (!PyBytes_Check(given) || PyBytes_GET_SIZE(given) % DIGEST_BYTES)
        return PyErr_Format(PyExc_ValueError, "no digests end to end");
    const Digest *digests = (const Digest *)PyBytes_AS_STRING(given);
    size_t count = PyBytes_GET_SIZE(given) / DIGEST_BYTES;
    PyObject *again = make_room(set, count) ? PyList_New(0) : NULL;
    for (size_t at = 0; again && at < count; at++) {
        if (at + AHEAD < count) /* each is anywhere in memory, which takes longer than all else */
            __builtin_prefetch(set->slots[home(digests[at + AHEAD], set->capacity)]);
        if (put(set, digests[at]) && !append_number(again, at))
            Py_CLEAR(again);
    }
    return again;
}

static int compare(const void *one, const void *other)
{
    return memcmp(one, other, DIGEST_BYTES);
}

static void write_sorted(const DigestSet *set, Digest *to)
{
    size_t count = set->has_zeros;
    memset(to, 0, count * DIGEST_BYTES);
    for (size_t at = 0; at < set->capacity; at++)
        if (!is_zeros(set->slots[at]))
            memcpy(to[count++], set->slots[at], DIGEST_BYTES);
    qsort(to, count, DIGEST_BYTES, compare);
}

static PyObject *take(PyObject *self, PyObject *Py_UNUSED(none))
{
    DigestSet *set = (DigestSet *)self;
    PyObject *taken = PyBytes_FromStringAndSize(NULL, set->count * DIGEST_BYTES);
    if (!taken)
        return NULL;
    write_sorted(set, (Digest *)PyBytes_AS_STRING(taken));
    PyMem_Free(set->slots);
    set->slots = NULL;
    set->capacity = set->count = 0;
    set->has_zeros = false;
    return taken;
}

static Py_ssize_t length(PyObject *self)
{
    return ((DigestSet *)self)->count;
}

static void dealloc(PyObject *self)
{
    PyMem_Free(((DigestSet *)self)->slots);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef methods[] = {
    {"add", add, METH_O, NULL},
    {"take", take, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods sequence = {.sq_length = length};

PyTypeObject digest_set_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.DigestSet",
    .tp_basicsize = sizeof(DigestSet),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = dealloc,
    .tp_as_sequence = &sequence,
    .tp_methods = methods,
};
