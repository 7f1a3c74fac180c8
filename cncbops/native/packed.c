#include "packed.h"

#include <structmember.h>

#include "kept_memory.h"

static PyObject *reduce_name;

Common *common_of(PyObject *make, PyObject *object, PyObject *group, PyObject *function, PyObject *own, bool is_alone)
{
    Text text;
    text.start = PyUnicode_AsUTF8AndSize(group, &text.length);
    Common *common = text.start ? PyMem_Malloc(sizeof(*common)) : NULL;
    if (common)
        *common = (Common){1, Py_NewRef(make), Py_NewRef(object), Py_NewRef(group), Py_NewRef(function),
                           Py_NewRef(own), text, is_alone};
    else if (text.start)
        PyErr_NoMemory();
    return common;
}

void common_release(Common *common)
{
    if (!common || --common->holders)
        return;
    Py_DECREF(common->make);
    Py_DECREF(common->object);
    Py_DECREF(common->group);
    Py_DECREF(common->function);
    Py_DECREF(common->own);
    PyMem_Free(common);
}

/* Where the texts of one lie. */

static char *texts_of(const Packed *one)
{
    return (char *)one + Py_TYPE(one)->tp_basicsize;
}

Text packed_text(const Packed *one, int which)
{
    Piece piece = one->texts[which];
    return piece.length == NO_TEXT ? (Text){NULL, 0} : (Text){texts_of(one) + piece.start, piece.length};
}

PyObject *packed_text_object(const Packed *one, int which)
{
    return text_object(packed_text(one, which), NULL);
}

bool packed_is_sound(const Packed *one)
{
    for (int at = 0; at < TEXTS; at++) {
        Piece piece = one->texts[at];
        bool is_within = piece.start >= 0 && piece.length >= 0 && piece.length <= Py_SIZE(one) - piece.start;
        if (!is_within && !((at == ID_TEXT || at == MESSAGE_TEXT) && piece.length == NO_TEXT))
            return false;
    }
    return true;
}

/* One whose fields and texts are to be filled in. */
static Packed *packed_new(PyTypeObject *kind, Common *common, Py_ssize_t length)
{
    Packed *one = kept_memory_take(kind->tp_basicsize + length);
    if (!one) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject_InitVar((PyVarObject *)one, kind, length);
    common->holders++;
    one->common = common;
    return one;
}

Packed *packed_copy(PyTypeObject *kind, Common *common, const char *from, Py_ssize_t length)
{
    Packed *one = packed_new(kind, common, length);
    if (one)
        memcpy(&one->place, from, kind->tp_basicsize - offsetof(Packed, place) + length);
    return one;
}

/* Whether a text is a part of another. */
static bool lies_in(Text text, Text whole)
{
    uintptr_t start = (uintptr_t)text.start, whole_start = (uintptr_t)whole.start;
    return start && start >= whole_start && start + text.length <= whole_start + whole.length;
}

/* How long texts are together, each part of the body counted once. */
static Py_ssize_t length_of(const Text texts[TEXTS])
{
    Py_ssize_t length = texts[BODY_TEXT].length;
    for (int at = 0; at < BODY_TEXT; at++)
        length += lies_in(texts[at], texts[BODY_TEXT]) ? 0 : texts[at].length;
    return length;
}

/* Puts a text down behind `end` bytes of others, and counts it in. */
static Piece put(Packed *one, Text text, int32_t *end)
{
    Piece piece = {*end, text.start ? text.length : NO_TEXT};
    if (text.length)
        text_put(texts_of(one) + *end, text);
    *end += text.length;
    return piece;
}

static void put_all(Packed *one, const Text texts[TEXTS])
{
    Text body = texts[BODY_TEXT];
    int32_t end = 0, body_start = Py_SIZE(one) - body.length;
    for (int at = 0; at < BODY_TEXT; at++)
        one->texts[at] = lies_in(texts[at], body)
                             ? (Piece){body_start + (texts[at].start - body.start), texts[at].length}
                             : put(one, texts[at], &end);
    one->texts[BODY_TEXT] = put(one, body, &end);
}

Packed *packed_make(PyTypeObject *kind, Common *common, const Parts *parts)
{
    const Text texts[TEXTS] = {parts->key, parts->sequence, parts->id, parts->own, parts->message, parts->body};
    Py_ssize_t length = length_of(texts);
    if (length > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a record is too long");
        return NULL;
    }
    Packed *one = packed_new(kind, common, length);
    if (!one)
        return NULL;
    one->place = parts->place;
    one->line = parts->line;
    one->part = parts->part;
    put_all(one, texts);
    return one;
}

static void dealloc(Packed *one)
{
    common_release(one->common);
    kept_memory_give_back(one, Py_TYPE(one)->tp_basicsize + Py_SIZE(one));
}

static PyObject *get_key(Packed *one, void *Py_UNUSED(closure))
{
    return packed_text_object(one, KEY_TEXT);
}

static PyObject *get_sequence(Packed *one, void *Py_UNUSED(closure))
{
    return packed_text_object(one, SEQUENCE_TEXT);
}

static PyObject *get_id(Packed *one, void *Py_UNUSED(closure))
{
    return packed_text_object(one, ID_TEXT);
}

static PyObject *get_object(Packed *one, void *Py_UNUSED(closure))
{
    return Py_NewRef(one->common->object);
}

static PyObject *get_group(Packed *one, void *Py_UNUSED(closure))
{
    return Py_NewRef(one->common->group);
}

static PyObject *get_function(Packed *one, void *Py_UNUSED(closure))
{
    return Py_NewRef(one->common->function);
}

static PyObject *get_is_alone(Packed *one, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(one->common->is_alone);
}

/* The Record that it stands for, as which it is sent between processes. */
static PyObject *unpacked(PyObject *record)
{
    PyObject *call = PyObject_CallMethodNoArgs(record, reduce_name), *make, *arguments, *open = NULL;
    if (call && PyArg_ParseTuple(call, "OO", &make, &arguments))
        open = PyObject_CallObject(make, arguments);
    Py_XDECREF(call);
    return open;
}

/* What is asked of it more seldom, the Record tells. */
static PyObject *get_attribute(PyObject *record, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(record, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    PyObject *open = unpacked(record);
    found = open ? PyObject_GetAttr(open, name) : NULL;
    Py_XDECREF(open);
    return found;
}

static PyObject *compare(PyObject *one, PyObject *other, int operation)
{
    if (!is_packed(other) && (PyObject *)Py_TYPE(other) != ((Packed *)one)->common->make)
        Py_RETURN_NOTIMPLEMENTED;
    PyObject *left = unpacked(one), *right = NULL, *result = NULL;
    if (left)
        right = is_packed(other) ? unpacked(other) : Py_NewRef(other);
    if (right)
        result = PyObject_RichCompare(left, right, operation);
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

static PyObject *represent(PyObject *one)
{
    PyObject *open = unpacked(one), *text = open ? PyObject_Repr(open) : NULL;
    Py_XDECREF(open);
    return text;
}

/* The same for all of them. */
static bool set_common_attributes(PyObject *type_dictionary)
{
    PyObject *one = PyLong_FromLong(1);
    bool is_set = one && PyDict_SetItemString(type_dictionary, "weight", one) == 0;
    Py_XDECREF(one);
    return is_set && PyDict_SetItemString(type_dictionary, "is_event", Py_False) == 0 &&
           PyDict_SetItemString(type_dictionary, "has_many_keys", Py_False) == 0;
}

bool prepare_packed(void)
{
    return (reduce_name = PyUnicode_InternFromString("__reduce__")) && PyType_Ready(&packed_type) == 0 &&
           set_common_attributes(packed_type.tp_dict);
}

static PyMemberDef members[] = {
    {"place", T_LONGLONG, offsetof(Packed, place), READONLY, NULL},
    {"line", T_PYSSIZET, offsetof(Packed, line), READONLY, NULL},
    {"part", T_PYSSIZET, offsetof(Packed, part), READONLY, NULL},
    {"size", T_PYSSIZET, offsetof(Packed, size), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"partition_key", (getter)get_key, NULL, NULL, NULL},
    {"sequence_number", (getter)get_sequence, NULL, NULL, NULL},
    {"event_id", (getter)get_id, NULL, NULL, NULL},
    {"object", (getter)get_object, NULL, NULL, NULL},
    {"group", (getter)get_group, NULL, NULL, NULL},
    {"function", (getter)get_function, NULL, NULL, NULL},
    {"is_alone", (getter)get_is_alone, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject packed_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.Packed",
    .tp_basicsize = sizeof(Packed),
    .tp_itemsize = 1,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)dealloc,
    .tp_getattro = get_attribute,
    .tp_repr = represent,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_richcompare = compare,
    .tp_members = members,
    .tp_getset = attributes,
};
