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
