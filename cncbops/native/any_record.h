/* What many records are asked for, whether they are packed, or Records of Python. */

#ifndef CNCBOPS_ANY_RECORD_H
#define CNCBOPS_ANY_RECORD_H

#include "packed.h"

/* To be called once, before any of these; false with an exception set. */
bool prepare_any_record(void);

/* Each of the following is -1, or NULL, with an exception set. */

Py_ssize_t record_size(PyObject *record);
Py_ssize_t record_weight(PyObject *record);
long long record_place(PyObject *record);

/* What holds the JSON of a record: itself where it is packed, else its body, which is bytes. */
PyObject *record_text(PyObject *record);
Py_ssize_t text_size(PyObject *text);

/* Returns the place behind it. */
char *text_write(char *to, PyObject *text);

/* Whether it shares no batch: it `is_alone`, or with order has many keys. */
int record_goes_alone(PyObject *record, bool has_order);

/* The function that it goes to, and by what it is put together with others: its key, without order its group. */
PyObject *record_function(PyObject *record);
PyObject *record_home(PyObject *record, bool has_order);

#endif
