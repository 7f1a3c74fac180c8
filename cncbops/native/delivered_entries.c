/* Entries of what was delivered, made of rows and sorted: each is a digest, the number of its row's origin and, where
   the row has others, the one of these that is as far in them. */

#include "native.h"

#include <stdlib.h>

#define ORIGIN_BYTES 4
#define KEY_BYTES (DIGEST_BYTES + ORIGIN_BYTES)
#define FIRST 65536 /* by two bytes, which leave but few digests to be compared */

typedef struct {
    const char *origin, *digests, *others;
    Py_ssize_t count, others_count;
} Row;

typedef struct {
    PyObject *rows; /* a tuple */
    Py_ssize_t size;
} Rows;

/* False with an exception set. */
static bool read_row(const Rows *rows, Py_ssize_t at, Row *row)
{
    PyObject *given = PyTuple_GET_ITEM(rows->rows, at), *origin, *digests, *others;
    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "no row of digests");
        return false;
    }
    if (!PyArg_ParseTuple(given, "SSS", &origin, &digests, &others))
        return false;
    *row = (Row){PyBytes_AS_STRING(origin), PyBytes_AS_STRING(digests), PyBytes_AS_STRING(others)};
    row->count = PyBytes_GET_SIZE(digests) / DIGEST_BYTES;
    row->others_count = PyBytes_GET_SIZE(others) / DIGEST_BYTES;
    bool is_whole = PyBytes_GET_SIZE(digests) % DIGEST_BYTES == 0 && PyBytes_GET_SIZE(others) % DIGEST_BYTES == 0;
    bool is_row = is_whole && PyBytes_GET_SIZE(origin) == ORIGIN_BYTES && (rows->size == KEY_BYTES || row->others_count);
    if (!is_row)
        PyErr_SetString(PyExc_ValueError, "no row of digests");
    return is_row;
}

static unsigned first_bytes(const char *digest)
{
    return (unsigned char)digest[0] << 8 | (unsigned char)digest[1];
}

/* Where the entries of each beginning come; the last is the end of all. False with an exception set. */
static bool find_places(const Rows *rows, size_t *places)
{
    Row row;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(rows->rows); at++) {
        if (!read_row(rows, at, &row))
            return false;
        for (Py_ssize_t number = 0; number < row.count; number++)
            places[first_bytes(row.digests + number * DIGEST_BYTES) + 1]++;
    }
    for (size_t at = 0; at < FIRST; at++)
        places[at + 1] += places[at];
    return true;
}

static void write_entry(const Row *row, Py_ssize_t number, Py_ssize_t size, char *to)
{
    memcpy(to, row->digests + number * DIGEST_BYTES, DIGEST_BYTES);
    memcpy(to + DIGEST_BYTES, row->origin, ORIGIN_BYTES);
    if (size > KEY_BYTES)
        memcpy(to + KEY_BYTES, row->others + number * row->others_count / row->count * DIGEST_BYTES, DIGEST_BYTES);
}

static int compare(const void *one, const void *other)
{
    return memcmp(one, other, KEY_BYTES);
}

static int compare_with_others(const void *one, const void *other)
{
    return memcmp(one, other, KEY_BYTES + DIGEST_BYTES);
}

/* Writes all entries, in their order; afterwards each beginning's place is that of the next. */
static bool write_entries(const Rows *rows, size_t *places, char *to)
{
    Row row;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(rows->rows); at++) {
        if (!read_row(rows, at, &row))
            return false;
        for (Py_ssize_t number = 0; number < row.count; number++) {
            size_t *place = &places[first_bytes(row.digests + number * DIGEST_BYTES)];
            write_entry(&row, number, rows->size, to + (*place)++ * rows->size);
        }
    }
    for (size_t at = 0, start = 0; at < FIRST; start = places[at++])
        qsort(to + start * rows->size, places[at] - start, rows->size,
              rows->size > KEY_BYTES ? compare_with_others : compare);
    return true;
}

static PyObject *sorted(const Rows *rows)
{
    size_t *places = PyMem_Calloc(FIRST + 1, sizeof(*places));
    PyObject *entries = NULL;
    if (!places)
        PyErr_NoMemory();
    else if (find_places(rows, places))
        entries = PyBytes_FromStringAndSize(NULL, places[FIRST] * rows->size);
    if (entries && !write_entries(rows, places, PyBytes_AS_STRING(entries)))
        Py_CLEAR(entries);
    PyMem_Free(places);
    return entries;
}

PyObject *sorted_entries(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *given;
    int has_others;
    if (!PyArg_ParseTuple(arguments, "Op", &given, &has_others))
        return NULL;
    Rows rows = {PySequence_Tuple(given), has_others ? KEY_BYTES + DIGEST_BYTES : KEY_BYTES};
    PyObject *entries = rows.rows ? sorted(&rows) : NULL;
    Py_XDECREF(rows.rows);
    return entries;
}
