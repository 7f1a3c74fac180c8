/* What the files of the extension share.

   A function that returns NULL with no exception set found something that is not usual: it is left to Python. */

#ifndef CNCBOPS_NATIVE_H
#define CNCBOPS_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <string.h>

#include "slice.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Of a fault's digest and of a record's, as `cncbops.faults.identity` has it. */
enum { DIGEST_BYTES = 16 };

PyObject *read_events(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *read_records(PyObject *module, PyObject *arguments, PyObject *keywords);
PyObject *make_records(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *read_units(PyObject *module, PyObject *arguments, PyObject *keywords);
PyObject *sum_units(PyObject *module, PyObject *units);
PyObject *unit_digests(PyObject *module, PyObject *units);
PyObject *place_units(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *units_alike(PyObject *module, PyObject *units);
PyObject *alike(PyObject *module, PyObject *message);
PyObject *payload(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *measured(PyObject *module, PyObject *records);
PyObject *places(PyObject *module, PyObject *records);
PyObject *objects(PyObject *module, PyObject *arguments);
PyObject *sorted_entries(PyObject *module, PyObject *arguments);
PyObject *merged_entries(PyObject *module, PyObject *arguments);
PyObject *mark_digests(PyObject *module, PyObject *arguments);
PyObject *marked_digests(PyObject *module, PyObject *arguments);
PyObject *pack_records(PyObject *module, PyObject *records);
PyObject *unpack_records(PyObject *module, PyObject *arguments);
PyObject *filled(PyObject *module, PyObject *arguments);
PyObject *exchange(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *receive(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *usual_head(PyObject *module, PyObject *answer);
PyObject *signed_head(PyObject *module, PyObject *arguments);

/* To be called once, before make_records, a Shelving, and filled; false with an exception set. */
bool prepare_records(void);
bool prepare_shelving(void);
bool prepare_filling(void);

/* Makes texts of names, that stay; false with an exception set. */
bool intern_all(PyObject **interned, const char *const *names, size_t count);

/* What is at a key of a dictionary, owned by it; where nothing is yet, what `make` makes of `argument`, if there is
   one. NULL with an exception set. */
PyObject *found_or_made(PyObject *dictionary, PyObject *key, PyObject *make, PyObject *argument);

/* Pieces as one bytes object; NULL with an exception set. */
PyObject *bytes_joined(const Slice *pieces, size_t count);

/* Appends to a list; false with an exception set. */
bool append_number(PyObject *list, size_t number);

/* Whether as many arguments were given as expected; false with an exception set. */
bool has_arguments(Py_ssize_t count, Py_ssize_t expected);

#endif
