/* Records are put beside those of the same function and key, as `cncbops.kinesis.shelves` says. */

#include "native.h"

#include "any_record.h"

/* What Python gives: `lanes` is None without order. Who makes a home may change all of these dictionaries. */
typedef struct {
    PyObject *homes, *lanes, *shelves, *home_for;
    bool has_order;
} Shelving;

static PyObject *records_name;

bool prepare_shelving(void)
{
    return (records_name = PyUnicode_InternFromString("records"));
}

/* Each of the following is NULL with an exception set; those that say so, also without one where there is nothing. */

/* What is at a key of a dictionary, borrowed; or nothing, also for a dictionary that is none. */
static PyObject *found_in(PyObject *dictionary, PyObject *key)
{
    return dictionary && PyDict_Check(dictionary) ? PyDict_GetItemWithError(dictionary, key) : NULL;
}

/* The records on the shelf of a record whose lane is known; or nothing. */
static PyObject *home_at_hand(const Shelving *shelving, PyObject *record, PyObject *function, PyObject *key)
{
    PyObject *lane = Py_XNewRef(found_in(found_in(shelving->lanes, function), key));
    PyObject *group = lane ? record_group(record) : NULL;
    PyObject *shelf = group ? Py_XNewRef(found_in(found_in(shelving->shelves, group), lane)) : NULL;
    PyObject *home = shelf ? PyObject_GetAttr(shelf, records_name) : NULL;
    Py_XDECREF(lane);
    Py_XDECREF(group);
    Py_XDECREF(shelf);
    return home;
}

static PyObject *new_home(const Shelving *shelving, PyObject *record, PyObject *function, PyObject *key)
{
    PyObject *home = home_at_hand(shelving, record, function, key);
    return home || PyErr_Occurred() ? home : PyObject_CallOneArg(shelving->home_for, record);
}

/* The home of a record among those of its function. */
static PyObject *home_among(const Shelving *shelving, PyObject *record, PyObject *function, PyObject *of_function)
{
    PyObject *key = shelving->has_order ? record_key(record) : record_group(record);
    PyObject *home = key ? Py_XNewRef(PyDict_GetItemWithError(of_function, key)) : NULL;
    if (key && !home && !PyErr_Occurred()) {
        home = new_home(shelving, record, function, key);
        if (home && PyDict_SetItem(of_function, key, home) < 0)
            Py_CLEAR(home);
    }
    Py_XDECREF(key);
    return home;
}

/* The list that a record is to be put into. */
static PyObject *home_of(const Shelving *shelving, PyObject *record)
{
    PyObject *function = record_function(record), *home = NULL;
    PyObject *of_function =
        function ? Py_XNewRef(found_or_made(shelving->homes, function, (PyObject *)&PyDict_Type, NULL)) : NULL;
    if (of_function)
        home = home_among(shelving, record, function, of_function);
    Py_XDECREF(function);
    Py_XDECREF(of_function);
    if (home && !PyList_Check(home)) {
        PyErr_SetString(PyExc_TypeError, "a home is a list");
        Py_CLEAR(home);
    }
    return home;
}

/* The index of the first record that goes alone, or that behind the last; -1 with an exception set. */
static Py_ssize_t put_until_alone(const Shelving *shelving, PyObject *records, Py_ssize_t at)
{
    for (; at < PyTuple_GET_SIZE(records); at++) {
        PyObject *record = PyTuple_GET_ITEM(records, at);
        fetch_ahead(PySequence_Fast_ITEMS(records), at, PyTuple_GET_SIZE(records));
        int is_alone = record_goes_alone(record, shelving->has_order);
        if (is_alone)
            return is_alone < 0 ? -1 : at;
        PyObject *home = home_of(shelving, record);
        bool is_put = home && PyList_Append(home, record) == 0;
        Py_XDECREF(home);
        if (!is_put)
            return -1;
    }
    return at;
}

PyObject *put_on_shelves(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!has_arguments(count, 6))
        return NULL;
    Py_ssize_t start = PyLong_AsSsize_t(arguments[1]);
    if (PyErr_Occurred())
        return NULL;
    if (start < 0 || !PyTuple_Check(arguments[0]) || !PyDict_Check(arguments[2]))
        return PyErr_Format(PyExc_TypeError, "expected a tuple, an index, and a dictionary");
    const Shelving shelving = {.homes = arguments[2], .lanes = arguments[3], .shelves = arguments[4],
                               .home_for = arguments[5], .has_order = arguments[3] != Py_None};
    Py_ssize_t end = put_until_alone(&shelving, arguments[0], start);
    return end < 0 ? NULL : PyLong_FromSsize_t(end);
}
