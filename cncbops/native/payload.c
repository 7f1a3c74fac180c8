/* The body of an invocation. */

#include "native.h"

#include "any_record.h"

static void put_payload(char *to, PyObject *const *texts, Py_ssize_t count, Text head, Text tail)
{
    to = text_put(to, head);
    for (Py_ssize_t at = 0; at < count; at++) {
        if (at)
            *to++ = ',';
        to = text_write(to, texts[at]);
    }
    text_put(to, tail);
}

static PyObject *payload_of(PyObject *const *texts, Py_ssize_t count, Text head, Text tail)
{
    Py_ssize_t length = head.length + tail.length + (count ? count - 1 : 0);
    for (Py_ssize_t at = 0; at < count; at++)
        length += text_size(texts[at]);
    PyObject *whole = PyBytes_FromStringAndSize(NULL, length);
    if (whole)
        put_payload(PyBytes_AS_STRING(whole), texts, count, head, tail);
    return whole;
}

/* The texts of records; what is taken is to be given back, also where one has none. */
static bool take_texts(PyObject **texts, PyObject *const *records, Py_ssize_t count, Py_ssize_t *taken)
{
    for (*taken = 0; *taken < count; ++*taken) {
        fetch_ahead(records, *taken, count);
        if (!(texts[*taken] = record_text(records[*taken])))
            return false;
    }
    return true;
}

static bool bytes_of(PyObject *object, Text *text)
{
    char *start;
    bool is_bytes = PyBytes_AsStringAndSize(object, &start, &text->length) == 0;
    text->start = start;
    return is_bytes;
}

static PyObject *payload_of_records(PyObject *records, Text head, Text tail)
{
    Py_ssize_t count = PyTuple_GET_SIZE(records), taken;
    PyObject **texts = PyMem_New(PyObject *, count), *whole = NULL;
    if (!texts)
        return PyErr_NoMemory();
    if (take_texts(texts, PySequence_Fast_ITEMS(records), count, &taken))
        whole = payload_of(texts, count, head, tail);
    while (taken)
        Py_DECREF(texts[--taken]);
    PyMem_Free(texts);
    return whole;
}

PyObject *payload(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Text head, tail;
    if (!has_arguments(count, 3) || !bytes_of(arguments[0], &head) || !bytes_of(arguments[2], &tail))
        return NULL;
    PyObject *records = PySequence_Tuple(arguments[1]); /* this call's own: a list may change while a body is made */
    PyObject *whole = records ? payload_of_records(records, head, tail) : NULL;
    Py_XDECREF(records);
    return whole;
}
