/* Records are put beside those of the same function and key, as `cncbops.kinesis.shelves` says. */

#include "native.h"

#include "any_record.h"

/* The list that a record is to be put into; NULL with an exception set. Who makes it may change the dictionaries. */
static PyObject *home_of(PyObject *record, PyObject *homes, bool has_order, PyObject *home_for)
{
    PyObject *function = record_function(record), *home = NULL;
    PyObject *of_function = function ? found_or_made(homes, function, (PyObject *)&PyDict_Type, NULL) : NULL;
    Py_XINCREF(of_function);
    PyObject *key = of_function ? record_home(record, has_order) : NULL;
    if (key)
        home = Py_XNewRef(found_or_made(of_function, key, home_for, record));
    Py_XDECREF(function);
    Py_XDECREF(of_function);
    Py_XDECREF(key);
    if (home && !PyList_Check(home)) {
        PyErr_SetString(PyExc_TypeError, "a home is a list");
        Py_CLEAR(home);
    }
    return home;
}

/* The index of the first record that goes alone, or that behind the last; -1 with an exception set. */
static Py_ssize_t put_until_alone(PyObject *records, Py_ssize_t at, PyObject *homes, bool has_order, PyObject *home_for)
{
    for (; at < PyTuple_GET_SIZE(records); at++) {
        PyObject *record = PyTuple_GET_ITEM(records, at);
        int is_alone = record_goes_alone(record, has_order);
        if (is_alone)
            return is_alone < 0 ? -1 : at;
        PyObject *home = home_of(record, homes, has_order, home_for);
        bool is_put = home && PyList_Append(home, record) == 0;
        Py_XDECREF(home);
        if (!is_put)
            return -1;
    }
    return at;
}

PyObject *put_on_shelves(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!has_arguments(count, 5))
        return NULL;
    Py_ssize_t start = PyLong_AsSsize_t(arguments[1]);
    int has_order = PyObject_IsTrue(arguments[3]);
    if (PyErr_Occurred())
        return NULL;
    if (start < 0 || !PyTuple_Check(arguments[0]) || !PyDict_Check(arguments[2]))
        return PyErr_Format(PyExc_TypeError, "expected a tuple, an index, and a dictionary");
    Py_ssize_t end = put_until_alone(arguments[0], start, arguments[2], has_order, arguments[4]);
    return end < 0 ? NULL : PyLong_FromSsize_t(end);
}
