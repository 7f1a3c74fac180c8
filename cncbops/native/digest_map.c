/* Digests, each with a number or none, in a few pieces of memory, by how they begin: each where its next bytes put it,
   or behind that. */

#include "digest_map.h"

#include <stdint.h>
#include <stdlib.h>

#define LEAST 64
#define AHEAD 8

/* One for each half of a first byte: while one is made larger it is there twice, but not all of the map. */
#define PARTS 16

enum { NUMBER_BYTES = sizeof(int64_t), LARGEST = DIGEST_BYTES + NUMBER_BYTES };

typedef unsigned char Byte;

/* Slots of a map's entries; a free one begins with zeros, which a digest may be, too. */
typedef struct {
    Byte *slots;
    size_t capacity, count;
} Part;

/* An entry is a digest and, if they have one, its number behind it. `zeros` is that of the digest of zeros. */
typedef struct {
    PyObject_HEAD
    Part parts[PARTS];
    size_t entry_bytes;
    bool has_zeros;
    Byte zeros[LARGEST];
} Map;

static bool is_zeros(const Byte *digest)
{
    static const Byte zeros[DIGEST_BYTES];
    return !memcmp(digest, zeros, DIGEST_BYTES);
}

static Part *part_of(Map *map, const Byte *digest)
{
    return &map->parts[digest[0] >> 4];
}

/* Of the bits behind those that tell its part, so that they are nearly in their order. */
static Byte *home(const Map *map, const Part *part, const Byte *digest)
{
    uint32_t next = (uint32_t)digest[0] << 28 | digest[1] << 20 | digest[2] << 12 | digest[3] << 4 | digest[4] >> 4;
    return part->slots + ((uint64_t)next * part->capacity >> 32) * map->entry_bytes;
}

/* Where a digest is, or is to be. There is always a free slot. */
static Byte *find(const Map *map, const Part *part, const Byte *digest)
{
    const Byte *end = part->slots + part->capacity * map->entry_bytes;
    Byte *slot = home(map, part, digest);
    while (!is_zeros(slot) && memcmp(slot, digest, DIGEST_BYTES)) {
        slot += map->entry_bytes;
        slot = slot == end ? part->slots : slot;
    }
    return slot;
}

/* Have four fifths of the slots be enough for one more; false with an exception set. */
static bool make_room(const Map *map, Part *part)
{
    if (part->count < part->capacity / 5 * 4)
        return true;
    size_t capacity = part->capacity + part->capacity / 2 + LEAST, size = map->entry_bytes;
    Part larger = {PyMem_Calloc(capacity, size), capacity, part->count};
    if (!larger.slots) {
        PyErr_NoMemory();
        return false;
    }
    for (const Byte *slot = part->slots; slot < part->slots + part->capacity * size; slot += size)
        if (!is_zeros(slot))
            memcpy(find(map, &larger, slot), slot, size);
    PyMem_Free(part->slots);
    *part = larger;
    return true;
}

/* The entry of a digest, which is put in if it was not there; its number is not. NULL with an exception set. */
static Byte *entry_of(Map *map, const Byte *digest, bool *was_there)
{
    if (is_zeros(digest)) {
        *was_there = map->has_zeros;
        map->has_zeros = true;
        return map->zeros;
    }
    Part *part = part_of(map, digest);
    if (!make_room(map, part))
        return NULL;
    Byte *slot = find(map, part, digest);
    *was_there = !is_zeros(slot);
    memcpy(slot, digest, DIGEST_BYTES);
    part->count += !*was_there;
    return slot;
}

/* The same of one of many, each of which is anywhere in memory: to fetch it takes longer than all else. */
static Byte *entry_at(Map *map, const Byte *digests, Py_ssize_t at, Py_ssize_t count, bool *was_there)
{
    const Byte *digest = digests + at * DIGEST_BYTES, *later = digest + AHEAD * DIGEST_BYTES;
    if (at + AHEAD < count)
        __builtin_prefetch(home(map, part_of(map, later), later));
    return entry_of(map, digest, was_there);
}

/* How many digests some bytes are, end to end; -1 with an exception set. */
static Py_ssize_t count_of(PyObject *digests)
{
    if (PyBytes_Check(digests) && PyBytes_GET_SIZE(digests) % DIGEST_BYTES == 0)
        return PyBytes_GET_SIZE(digests) / DIGEST_BYTES;
    PyErr_SetString(PyExc_ValueError, "no digests end to end");
    return -1;
}

static PyObject *add(PyObject *self, PyObject *digests)
{
    Py_ssize_t count = count_of(digests);
    PyObject *again = count < 0 ? NULL : PyList_New(0);
    for (Py_ssize_t at = 0; again && at < count; at++) {
        bool was_there;
        if (!entry_at((Map *)self, (Byte *)PyBytes_AS_STRING(digests), at, count, &was_there) ||
            (was_there && !append_number(again, at)))
            Py_CLEAR(again);
    }
    return again;
}

/* Has numbers that were told of digests be those that were told of them first; false with an exception set. */
static bool find_firsts(Map *map, const Byte *digests, Py_ssize_t count, char *numbers)
{
    for (Py_ssize_t at = 0; at < count; at++, numbers += NUMBER_BYTES) {
        bool was_there;
        Byte *entry = entry_at(map, digests, at, count, &was_there);
        if (!entry)
            return false;
        if (was_there)
            memcpy(numbers, entry + DIGEST_BYTES, NUMBER_BYTES);
        else
            memcpy(entry + DIGEST_BYTES, numbers, NUMBER_BYTES);
    }
    return true;
}

static PyObject *firsts(PyObject *self, PyObject *arguments)
{
    Map *map = (Map *)self;
    PyObject *digests, *told;
    if (!PyArg_ParseTuple(arguments, "OS", &digests, &told))
        return NULL;
    Py_ssize_t count = count_of(digests);
    if (count >= 0 && (map->entry_bytes != LARGEST || PyBytes_GET_SIZE(told) != count * NUMBER_BYTES))
        return PyErr_Format(PyExc_ValueError, "no number for each digest");
    PyObject *found = count < 0 ? NULL : PyBytes_FromStringAndSize(PyBytes_AS_STRING(told), count * NUMBER_BYTES);
    if (found && !find_firsts(map, (Byte *)PyBytes_AS_STRING(digests), count, PyBytes_AS_STRING(found)))
        Py_CLEAR(found);
    return found;
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

/* Writes entries in the order of their digests; returns the place behind them. */
static Byte *write_sorted(const Map *map, const Part *part, Byte *to)
{
    Byte *next = to;
    size_t size = map->entry_bytes;
    for (const Byte *slot = part->slots; slot < part->slots + part->capacity * size; slot += size) {
        if (is_zeros(slot))
            continue;
        memcpy(next, slot, size);
        next += size;
    }
    qsort(to, part->count, size, compare);
    return next;
}

static Py_ssize_t length(PyObject *self)
{
    const Map *map = (const Map *)self;
    Py_ssize_t count = map->has_zeros;
    for (int at = 0; at < PARTS; at++)
        count += map->parts[at].count;
    return count;
}

static PyObject *take(PyObject *self, PyObject *Py_UNUSED(none))
{
    Map *map = (Map *)self;
    PyObject *taken = PyBytes_FromStringAndSize(NULL, length(self) * map->entry_bytes);
    if (!taken)
        return NULL;
    Byte *to = (Byte *)PyBytes_AS_STRING(taken);
    if (map->has_zeros) {
        memcpy(to, map->zeros, map->entry_bytes);
        to += map->entry_bytes;
    }
    for (int at = 0; at < PARTS; at++) {
        to = write_sorted(map, &map->parts[at], to);
        release(&map->parts[at]);
    }
    map->has_zeros = false;
    return taken;
}

static PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    int is_numbered;
    Map *map = PyArg_ParseTuple(arguments, "p", &is_numbered) ? (Map *)type->tp_alloc(type, 0) : NULL;
    if (map)
        map->entry_bytes = is_numbered ? LARGEST : DIGEST_BYTES;
    return (PyObject *)map;
}

static void dealloc(PyObject *self)
{
    for (int at = 0; at < PARTS; at++)
        release(&((Map *)self)->parts[at]);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef methods[] = {
    {"add", add, METH_O, NULL},
    {"firsts", firsts, METH_VARARGS, NULL},
    {"take", take, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods sequence = {.sq_length = length};

PyTypeObject digest_map_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.DigestMap",
    .tp_basicsize = sizeof(Map),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = make,
    .tp_dealloc = dealloc,
    .tp_methods = methods,
    .tp_as_sequence = &sequence,
};
