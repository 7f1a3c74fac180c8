/* What is on shelves is filled into batches, as `cncbops.kinesis.drafts` says. */

#include "native.h"

#include "any_record.h"
#include "place_order.h"

/* As `cncbops.kinesis.drafts` has it. */
enum { OPEN_DRAFTS = 8 };

typedef struct {
    Py_ssize_t weight, size;
} Load;

/* Records from `start` to before `end` of those of a shelf. */
typedef struct {
    PyObject *shelf, *records;
    Py_ssize_t start, end;
    Load load;
} Part;

/* A batch in the making; `parts` is a list, as are their `lanes` and `last_places`. */
typedef struct {
    PyObject *parts, *lanes, *last_places;
    Stretches records;
    Load load;
} Draft;

/* `open` are the numbers of the drafts that may take more. */
typedef struct {
    Load most;
    Draft *drafts;
    Py_ssize_t count, room;
    Py_ssize_t open[OPEN_DRAFTS];
    int open_count;
} Filling;

enum { RECORDS, GIVEN, LANE, ATTRIBUTES };

static const char *const NAMES[ATTRIBUTES] = {"records", "given", "lane"};
static PyObject *names[ATTRIBUTES];

bool prepare_filling(void)
{
    return intern_all(names, NAMES, ATTRIBUTES);
}

/* Whether two loads fit into a batch, as `both`. */
static bool join(const Filling *filling, Load one, Load other, Load *both)
{
    return !__builtin_add_overflow(one.weight, other.weight, &both->weight) &&
           !__builtin_add_overflow(one.size, other.size, &both->size) &&
           both->weight <= filling->most.weight && both->size <= filling->most.size;
}

/* Each of the following returns false, or NULL, with an exception set. */

/* What a record adds to a payload, a comma included. */
static bool load_of(PyObject *record, Load *load)
{
    load->weight = record_weight(record);
    load->size = PyErr_Occurred() ? 0 : record_size(record);
    if (!PyErr_Occurred() && __builtin_add_overflow(load->size, 1, &load->size))
        PyErr_SetString(PyExc_OverflowError, "a record is longer than can be counted");
    return !PyErr_Occurred();
}

/* Has a part that begins somewhere end before the first record that does not fit. */
static bool find_end(const Filling *filling, Part *part)
{
    for (part->end = part->start; part->end < PyList_GET_SIZE(part->records); part->end++) {
        PyObject *record = Py_NewRef(PyList_GET_ITEM(part->records, part->end));
        fetch_ahead(PySequence_Fast_ITEMS(part->records), part->end, PyList_GET_SIZE(part->records));
        Load more, both;
        bool is_known = load_of(record, &more);
        Py_DECREF(record);
        if (!is_known)
            return false;
        bool is_first = part->end == part->start;
        if (!is_first && !join(filling, part->load, more, &both))
            return true;
        part->load = is_first ? more : both;
    }
    return true;
}

/* The first open draft that has room for a part, which is then counted there; NULL without an exception. */
static Draft *with_room(const Filling *filling, const Part *part)
{
    Load both;
    for (int at = 0; at < filling->open_count; at++) {
        Draft *draft = &filling->drafts[filling->open[at]];
        if (join(filling, draft->load, part->load, &both)) {
            draft->load = both;
            return draft;
        }
    }
    return NULL;
}

static bool make_room(Filling *filling)
{
    if (filling->count < filling->room)
        return true;
    Py_ssize_t room = 2 * filling->room + 16;
    Draft *drafts = PyMem_Realloc(filling->drafts, room * sizeof(*drafts));
    if (!drafts)
        return PyErr_NoMemory(), false;
    filling->drafts = drafts;
    filling->room = room;
    return true;
}

static void open_last(Filling *filling)
{
    if (filling->open_count == OPEN_DRAFTS)
        memmove(filling->open, filling->open + 1, --filling->open_count * sizeof(*filling->open));
    filling->open[filling->open_count++] = filling->count - 1;
}

/* A draft for a part, which is counted there. */
static Draft *new_draft(Filling *filling, const Part *part, bool is_open)
{
    if (!make_room(filling))
        return NULL;
    Draft *draft = &filling->drafts[filling->count++];
    *draft = (Draft){PyList_New(0), PyList_New(0), PyList_New(0), .load = part->load};
    if (is_open)
        open_last(filling);
    return draft->parts && draft->lanes && draft->last_places ? draft : NULL;
}

/* Appends what may be NULL, and gives it back. */
static bool append(PyObject *list, PyObject *item)
{
    bool is_appended = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return is_appended;
}

static bool put(Draft *draft, const Part *part)
{
    return stretches_add(&draft->records, part->records, part->start, part->end) &&
           append(draft->parts, Py_BuildValue("Onn", part->shelf, part->start, part->end)) &&
           append(draft->lanes, PyObject_GetAttr(part->shelf, names[LANE])) &&
           append(draft->last_places, PyLong_FromLongLong(stretches_last(&draft->records)));
}

static bool fill_from(Filling *filling, Part *part)
{
    Py_ssize_t given = part->start;
    for (; part->start < PyList_GET_SIZE(part->records); part->start = part->end) {
        if (!find_end(filling, part))
            return false;
        bool is_last = part->end >= PyList_GET_SIZE(part->records);
        Draft *draft = is_last && part->start == given ? with_room(filling, part) : NULL;
        draft = draft ? draft : new_draft(filling, part, is_last);
        if (!draft || !put(draft, part))
            return false;
    }
    return true;
}

static bool fill_from_shelf(Filling *filling, PyObject *shelf)
{
    PyObject *given = PyObject_GetAttr(shelf, names[GIVEN]), *records = NULL;
    Py_ssize_t start = given ? PyLong_AsSsize_t(given) : -1;
    if (!PyErr_Occurred())
        records = PyObject_GetAttr(shelf, names[RECORDS]);
    bool is_shelf = records && PyList_Check(records) && start >= 0;
    if (records && !is_shelf)
        PyErr_SetString(PyExc_TypeError, "a shelf has a list of records, some of which are given out");
    bool is_filled = is_shelf && fill_from(filling, &(Part){.shelf = shelf, .records = records, .start = start});
    Py_XDECREF(given);
    Py_XDECREF(records);
    return is_filled;
}

/* The records of one part are in their order. */
static PyObject *filled_draft(Draft *draft)
{
    bool is_sorted = PyList_GET_SIZE(draft->parts) == 1 || stretches_sort(&draft->records);
    PyObject *lanes = is_sorted ? PyList_AsTuple(draft->lanes) : NULL;
    PyObject *records = lanes ? stretches_list(&draft->records) : NULL;
    PyObject *told = records ? Py_BuildValue("OOOOnn", draft->parts, lanes, draft->last_places, records,
                                             draft->load.weight, draft->load.size) : NULL;
    Py_XDECREF(lanes);
    Py_XDECREF(records);
    return told;
}

static PyObject *drafts_of(Filling *filling, PyObject *shelves)
{
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(shelves); at++)
        if (!fill_from_shelf(filling, PyTuple_GET_ITEM(shelves, at)))
            return NULL;
    PyObject *drafts = PyList_New(filling->count);
    for (Py_ssize_t at = 0; drafts && at < filling->count; at++) {
        PyObject *draft = filled_draft(&filling->drafts[at]);
        if (draft)
            PyList_SET_ITEM(drafts, at, draft);
        else
            Py_CLEAR(drafts);
    }
    return drafts;
}

static void release(Filling *filling)
{
    while (filling->count) {
        Draft *draft = &filling->drafts[--filling->count];
        Py_XDECREF(draft->parts);
        Py_XDECREF(draft->lanes);
        Py_XDECREF(draft->last_places);
        stretches_release(&draft->records);
    }
    PyMem_Free(filling->drafts);
}

PyObject *filled(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *given;
    Filling filling = {.count = 0};
    if (!PyArg_ParseTuple(arguments, "Onn", &given, &filling.most.weight, &filling.most.size))
        return NULL;
    PyObject *shelves = PySequence_Tuple(given);
    PyObject *drafts = shelves ? drafts_of(&filling, shelves) : NULL;
    Py_XDECREF(shelves);
    release(&filling);
    return drafts;
}
