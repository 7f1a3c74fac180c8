/* What the files of the extension do with objects of Python. */

#include "native.h"

bool intern_all(PyObject **interned, const char *const *names, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (!(interned[at] = PyUnicode_InternFromString(names[at])))
            return false;
    return true;
}

PyObject *found_or_made(PyObject *dictionary, PyObject *key, PyObject *make, PyObject *argument)
{
    PyObject *found = PyDict_GetItemWithError(dictionary, key);
    if (found || PyErr_Occurred())
        return found;
    PyObject *made = argument ? PyObject_CallOneArg(make, argument) : PyObject_CallNoArgs(make);
    found = made && PyDict_SetItem(dictionary, key, made) == 0 ? made : NULL;
    Py_XDECREF(made);
    return found;
}

bool append_number(PyObject *list, size_t number)
{
    PyObject *item = PyLong_FromSize_t(number);
    bool is_appended = item && !PyList_Append(list, item);
    Py_XDECREF(item);
    return is_appended;
}

PyObject *bytes_joined(const Slice *pieces, size_t count)
{
    ptrdiff_t length = 0;
    for (size_t at = 0; at < count; at++)
        length += slice_length(pieces[at]);
    PyObject *text = PyBytes_FromStringAndSize(NULL, length);
    char *to = text ? PyBytes_AS_STRING(text) : NULL;
    for (size_t at = 0; to && at < count; at++) {
        memcpy(to, pieces[at].start, slice_length(pieces[at]));
        to += slice_length(pieces[at]);
    }
    return text;
}
