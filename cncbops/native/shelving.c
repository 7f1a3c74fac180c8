/* Puts records beside those of the same function and key, as `cncbops.kinesis.shelves` says. */

#include "shelving.h"

#include "any_record.h"
#include "homes.h"

/* What Python gives: without order `known` is None, and `lane_of` is not asked. */
typedef struct {
    PyObject_HEAD
    PyObject *shelves, *make, *known, *lane_of;
    bool has_order;
    Homes homes;
} Shelving;

static PyObject *records_name, *only_lane;

bool prepare_shelving(void)
{
    return (records_name = PyUnicode_InternFromString("records")) && (only_lane = PyLong_FromLong(0));
}

/* Each of the following is NULL, or false, with an exception set; those that say so, also without one where there is
   nothing. */

/* What is at a key of a dictionary, borrowed; or nothing, also for a dictionary that is none. */
static PyObject *found_in(PyObject *dictionary, PyObject *key)
{
    return dictionary && key && PyDict_Check(dictionary) ? PyDict_GetItemWithError(dictionary, key) : NULL;
}

static PyObject *lane_of(const Shelving *shelving, PyObject *record, PyObject *function)
{
    if (!shelving->has_order)
        return Py_NewRef(only_lane);
    PyObject *key = record_key(record);
    PyObject *lane = Py_XNewRef(found_in(found_in(shelving->known, function), key));
    Py_XDECREF(key);
    return lane || PyErr_Occurred() ? lane : PyObject_CallOneArg(shelving->lane_of, record);
}

/* The shelf of a group among those of a lane. */
static PyObject *shelf_among(const Shelving *shelving, PyObject *group, PyObject *lane, PyObject *of_lane)
{
    PyObject *shelf = Py_XNewRef(found_in(of_lane, group));
    if (shelf || PyErr_Occurred())
        return shelf;
    shelf = PyObject_CallFunctionObjArgs(shelving->make, group, lane, NULL);
    if (shelf && PyObject_SetItem(of_lane, group, shelf) < 0)
        Py_CLEAR(shelf);
    return shelf;
}

/* The records on the shelf of a record's group and lane. */
static PyObject *records_beside(const Shelving *shelving, PyObject *record, PyObject *function)
{
    PyObject *lane = lane_of(shelving, record, function), *group = lane ? record_group(record) : NULL;
    PyObject *of_lane =
        group ? Py_XNewRef(found_or_made(shelving->shelves, lane, (PyObject *)&PyDict_Type, NULL)) : NULL;
    PyObject *shelf = of_lane ? shelf_among(shelving, group, lane, of_lane) : NULL;
    PyObject *records = shelf ? PyObject_GetAttr(shelf, records_name) : NULL;
    Py_XDECREF(lane);
    Py_XDECREF(group);
    Py_XDECREF(of_lane);
    Py_XDECREF(shelf);
    if (records && !PyList_Check(records)) {
        PyErr_SetString(PyExc_TypeError, "a shelf has a list of records");
        Py_CLEAR(records);
    }
    return records;
}

/* The list that a record is to be put into. */
static PyObject *home_of(Shelving *shelving, PyObject *record, const Sought *sought)
{
    PyObject *list = Py_XNewRef(homes_find(&shelving->homes, sought));
    if (list || PyErr_Occurred())
        return list;
    list = records_beside(shelving, record, sought->function);
    if (list && !homes_add(&shelving->homes, sought, list))
        Py_CLEAR(list);
    return list;
}

static bool put_on_shelf(Shelving *shelving, PyObject *record)
{
    Sought sought = {.function = record_function(record)};
    if (!sought.function)
        return false;
    sought.holder = shelving->has_order ? record_key_text(record, &sought.text) : record_group_text(record, &sought.text);
    PyObject *home = sought.holder ? home_of(shelving, record, &sought) : NULL;
    bool is_put = home && PyList_Append(home, record) == 0;
    Py_DECREF(sought.function);
    Py_XDECREF(sought.holder);
    Py_XDECREF(home);
    return is_put;
}

/* The index of the first record that goes alone, or that behind the last; -1 with an exception set. */
static Py_ssize_t put_until_alone(Shelving *shelving, PyObject *records, Py_ssize_t at)
{
    for (; at < PyTuple_GET_SIZE(records); at++) {
        PyObject *record = PyTuple_GET_ITEM(records, at);
        fetch_ahead(PySequence_Fast_ITEMS(records), at, PyTuple_GET_SIZE(records));
        int is_alone = record_goes_alone(record, shelving->has_order);
        if (is_alone)
            return is_alone < 0 ? -1 : at;
        if (!put_on_shelf(shelving, record))
            return -1;
    }
    return at;
}

static PyObject *put(PyObject *self, PyObject *arguments)
{
    PyObject *records;
    Py_ssize_t start;
    if (!PyArg_ParseTuple(arguments, "O!n", &PyTuple_Type, &records, &start))
        return NULL;
    if (start < 0)
        return PyErr_Format(PyExc_ValueError, "no index of a record");
    Py_ssize_t end = put_until_alone((Shelving *)self, records, start);
    return end < 0 ? NULL : PyLong_FromSsize_t(end);
}

static PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *shelves, *make, *known, *lane_of;
    if (!PyArg_ParseTuple(arguments, "O!OOO", &PyDict_Type, &shelves, &make, &known, &lane_of))
        return NULL;
    Shelving *shelving = (Shelving *)type->tp_alloc(type, 0);
    if (!shelving)
        return NULL;
    shelving->shelves = Py_NewRef(shelves);
    shelving->make = Py_NewRef(make);
    shelving->known = Py_NewRef(known);
    shelving->lane_of = Py_NewRef(lane_of);
    shelving->has_order = known != Py_None;
    return (PyObject *)shelving;
}

static void dealloc(PyObject *self)
{
    Shelving *shelving = (Shelving *)self;
    homes_release(&shelving->homes);
    Py_DECREF(shelving->shelves);
    Py_DECREF(shelving->make);
    Py_DECREF(shelving->known);
    Py_DECREF(shelving->lane_of);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef methods[] = {
    {"put", put, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject shelving_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.Shelving",
    .tp_basicsize = sizeof(Shelving),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = make,
    .tp_dealloc = dealloc,
    .tp_methods = methods,
};
