#include "any_record.h"

#include "packed_record.h"
#include "packed_unit.h"

enum { SIZE, WEIGHT, PLACE, BODY, IS_ALONE, HAS_MANY_KEYS, FUNCTION, PARTITION_KEY, GROUP, ATTRIBUTES };

static const char *const NAMES[ATTRIBUTES] = {"size", "weight", "place", "body", "is_alone", "has_many_keys",
                                              "function", "partition_key", "group"};
static PyObject *names[ATTRIBUTES];

bool prepare_any_record(void)
{
    return intern_all(names, NAMES, ATTRIBUTES);
}

static const Packed *packed(PyObject *record)
{
    return (const Packed *)record;
}

static long long number_of(PyObject *record, int attribute)
{
    PyObject *found = PyObject_GetAttr(record, names[attribute]);
    long long number = found ? PyLong_AsLongLong(found) : -1;
    Py_XDECREF(found);
    return number;
}

static int is_so(PyObject *record, int attribute)
{
    PyObject *found = PyObject_GetAttr(record, names[attribute]);
    int is_true = found ? PyObject_IsTrue(found) : -1;
    Py_XDECREF(found);
    return is_true;
}

Py_ssize_t record_size(PyObject *record)
{
    return is_packed(record) ? packed(record)->size : (Py_ssize_t)number_of(record, SIZE);
}

Py_ssize_t record_weight(PyObject *record)
{
    return is_packed(record) ? 1 : (Py_ssize_t)number_of(record, WEIGHT);
}

long long record_place(PyObject *record)
{
    return is_packed(record) ? packed(record)->place : number_of(record, PLACE);
}

PyObject *record_text(PyObject *record)
{
    PyObject *text = is_packed(record) ? Py_NewRef(record) : PyObject_GetAttr(record, names[BODY]);
    if (text && !is_packed(record) && !PyBytes_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a body is bytes");
        Py_CLEAR(text);
    }
    return text;
}

Py_ssize_t text_size(PyObject *text)
{
    return is_packed(text) ? packed(text)->size : PyBytes_GET_SIZE(text);
}

char *text_write(char *to, PyObject *text)
{
    if (is_packed_unit(text))
        return packed_unit_write(to, packed(text));
    if (is_packed(text))
        return packed_record_write(to, packed(text));
    return text_put(to, (Text){PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)});
}

int record_goes_alone(PyObject *record, bool has_order)
{
    if (is_packed(record))
        return packed(record)->common->is_alone;
    int is_alone = is_so(record, IS_ALONE);
    return is_alone || !has_order ? is_alone : is_so(record, HAS_MANY_KEYS);
}

PyObject *record_function(PyObject *record)
{
    return is_packed(record) ? Py_NewRef(packed(record)->common->function) : PyObject_GetAttr(record, names[FUNCTION]);
}

PyObject *record_key(PyObject *record)
{
    return is_packed(record) ? packed_text_object(packed(record), KEY_TEXT)
                             : PyObject_GetAttr(record, names[PARTITION_KEY]);
}

PyObject *record_group(PyObject *record)
{
    return is_packed(record) ? Py_NewRef(packed(record)->common->group) : PyObject_GetAttr(record, names[GROUP]);
}

/* A text of Python as bytes, whatever is in it: also what is no Unicode. */
static PyObject *bytes_of(PyObject *object, Text *text)
{
    PyObject *bytes = object ? PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass") : NULL;
    if (bytes)
        *text = (Text){PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)};
    Py_XDECREF(object);
    return bytes;
}

PyObject *record_key_text(PyObject *record, Text *text)
{
    if (!is_packed(record))
        return bytes_of(record_key(record), text);
    *text = packed_text(packed(record), KEY_TEXT);
    return Py_NewRef(record);
}

PyObject *record_group_text(PyObject *record, Text *text)
{
    if (!is_packed(record))
        return bytes_of(record_group(record), text);
    *text = packed(record)->common->group_text;
    return Py_NewRef(record);
}
