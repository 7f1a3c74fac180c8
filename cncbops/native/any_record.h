/* What many records are asked for, whether they are packed, or Records of Python. */

#ifndef CNCBOPS_ANY_RECORD_H
#define CNCBOPS_ANY_RECORD_H

#include "packed.h"

/* To be called once, before any of these; false with an exception set. */
bool prepare_any_record(void);

/* Has one fetched from memory that comes a little behind a place among many, if it does: they lie apart, and to wait
   for each takes longer than to ask it. As much is fetched as is asked, a key included. */
static inline void fetch_ahead(PyObject *const *records, Py_ssize_t at, Py_ssize_t count)
{
#if defined(__GNUC__)
    enum { RECORDS_AHEAD = 8, BYTES = 256, LINE = 64 };
    for (int behind = 0; at + RECORDS_AHEAD < count && behind < BYTES; behind += LINE)
        __builtin_prefetch((const char *)records[at + RECORDS_AHEAD] + behind);
#else
    (void)records, (void)at, (void)count;
#endif
}

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

/* The function that it goes to, its partition key, and its group. */
PyObject *record_function(PyObject *record);
PyObject *record_key(PyObject *record);
PyObject *record_group(PyObject *record);

/* The latter two as UTF-8; what is returned is what that lies in. */
PyObject *record_key_text(PyObject *record, Text *text);
PyObject *record_group_text(PyObject *record, Text *text);

#endif
