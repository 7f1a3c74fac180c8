/* A set of digests in a few pieces of memory, by how they begin, each where its next bytes put it or behind that. */

#include "digest_set.h"

#include <stdint.h>
#include <stdlib.h>

#define LEAST 64
#define AHEAD 8

/* One for each half of a first byte: while one is made larger it is there twice, but not all of the set. */
#define PARTS 16

typedef unsigned char Digest[DIGEST_BYTES];

typedef struct {
    Digest *slots; /* a free one is all zeros, which a digest may be, too */
    size_t capacity, count;
} Part;

typedef struct {
    PyObject_HEAD
    Part parts[PARTS];
    bool has_zeros;
} DigestSet;

static bool is_zeros(const Digest digest)
{
    static const Digest zeros;
    return !memcmp(digest, zeros, DIGEST_BYTES);
}

static Part *part_of(DigestSet *set, const Digest digest)
{
    return &set->parts[digest[0] >> 4];
}

/* Of the bits behind those that tell its part, so that they are nearly in their order. */
static Digest *home(const Part *part, const Digest digest)
{
    uint32_t next = (uint32_t)digest[0] << 28 | digest[1] << 20 | digest[2] << 12 | digest[3] << 4 | digest[4] >> 4;
    return part->slots + ((uint64_t)next * part->capacity >> 32);
}

/* Where a digest is, or is to be. There is always a free slot. */
static unsigned char *find(Part *part, const Digest digest)
{
    Digest *end = part->slots + part->capacity;
    Digest *slot = home(part, digest);
    while (!is_zeros(*slot) && memcmp(*slot, digest, DIGEST_BYTES))
        slot = slot + 1 == end ? part->slots : slot + 1;
    return *slot;
}

/* Have four fifths of the slots be enough for one more; false with an exception set. */
static bool make_room(Part *part)
{
    if (part->count < part->capacity / 5 * 4)
        return true;
    size_t capacity = part->capacity + part->capacity / 2 + LEAST;
    Part larger = {PyMem_Calloc(capacity, DIGEST_BYTES), capacity, part->count};
    if (!larger.slots) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t at = 0; at < part->capacity; at++)
        if (!is_zeros(part->slots[at]))
            memcpy(find(&larger, part->slots[at]), part->slots[at], DIGEST_BYTES);
    PyMem_Free(part->slots);
    *part = larger;
    return true;
}

/* Whether it was there already. There is room. */
static bool put_in(Part *part, const Digest digest)
{
    unsigned char *slot = find(part, digest);
    bool was_there = !is_zeros(slot);
    memcpy(slot, digest, DIGEST_BYTES);
    part->count += !was_there;
    return was_there;
}

/* 1 where it was there already, 0 where not, -1 with an exception set. */
static int put(DigestSet *set, const Digest digest)
{
    bool had_zeros = set->has_zeros;
    if (is_zeros(digest)) {
        set->has_zeros = true;
        return had_zeros;
    }
    return make_room(part_of(set, digest)) ? put_in(part_of(set, digest), digest) : -1;
}

static PyObject *add(PyObject *self, PyObject *given)
{
    DigestSet *set = (DigestSet *)self;
    if (!PyBytes_Check(given) || PyBytes_GET_SIZE(given) % DIGEST_BYTES)
        return PyErr_Format(PyExc_ValueError, "no digests end to end");
    const Digest *digests = (const Digest *)PyBytes_AS_STRING(given);
    size_t count = PyBytes_GET_SIZE(given) / DIGEST_BYTES;
    PyObject *again = PyList_New(0);
    for (size_t at = 0; again && at < count; at++) {
        if (at + AHEAD < count) /* each is anywhere in memory, which takes longer than all else */
            __builtin_prefetch(home(part_of(set, digests[at + AHEAD]), digests[at + AHEAD]));
        int was_there = put(set, digests[at]);
        if (was_there < 0 || (was_there && !append_number(again, at)))
            Py_CLEAR(again);
    }
    return again;
}

static int compare(const void *one, const void *other)
{
    return memcmp(one, other, DIGEST_BYTES);
}

static void release(Part *part)
{
    PyMem_Free(part->slots);
    *part = (Part){NULL, 0, 0};
}

/* Writes them in their order; returns the place behind them. */
static Digest *write_sorted(const Part *part, Digest *to)
{
    Digest *next = to;
    for (size_t at = 0; at < part->capacity; at++)
        if (!is_zeros(part->slots[at]))
            memcpy(*next++, part->slots[at], DIGEST_BYTES);
    qsort(to, part->count, DIGEST_BYTES, compare);
    return next;
}

static Py_ssize_t length(PyObject *self)
{
    const DigestSet *set = (DigestSet *)self;
    Py_ssize_t count = set->has_zeros;
    for (int at = 0; at < PARTS; at++)
        count += set->parts[at].count;
    return count;
}

static PyObject *take(PyObject *self, PyObject *Py_UNUSED(none))
{
    DigestSet *set = (DigestSet *)self;
    PyObject *taken = PyBytes_FromStringAndSize(NULL, length(self) * DIGEST_BYTES);
    if (!taken)
        return NULL;
    Digest *to = (Digest *)PyBytes_AS_STRING(taken);
    if (set->has_zeros)
        memset(to++, 0, DIGEST_BYTES);
    for (int at = 0; at < PARTS; at++) {
        to = write_sorted(&set->parts[at], to);
        release(&set->parts[at]);
    }
    set->has_zeros = false;
    return taken;
}

static void dealloc(PyObject *self)
{
    for (int at = 0; at < PARTS; at++)
        release(&((DigestSet *)self)->parts[at]);
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
