/* A record whose texts lie in one piece of memory: its fields, and its JSON, are made when they are asked for.

   To Python it is like the Record that it stands for (see `cncbops.kinesis.record`), in an eighth of the objects. Here
   is what all are; of which kinds they are, packed_record.h and packed_unit.h say. */

#ifndef CNCBOPS_PACKED_H
#define CNCBOPS_PACKED_H

#include <stdint.h>

#include "line.h"

/* What records of one group and function, and of one object, have in common: what makes the Records that they stand
   for, where they come from, and what is their kind's `own`. `group_text` is the text of `group`. */
typedef struct {
    Py_ssize_t holders;
    PyObject *make, *object, *group, *function, *own;
    Text group_text;
    bool is_alone;
} Common;

/* With one holder; NULL with an exception set. */
Common *common_of(PyObject *make, PyObject *object, PyObject *group, PyObject *function, PyObject *own, bool is_alone);
void common_release(Common *common);

/* Where a text is among all those of one; NO_TEXT long where it is none. */
typedef struct {
    int32_t start, length;
} Piece;

#define NO_TEXT (-1)

/* The texts of one; OWN is the kind's, and MESSAGE a fault's. */
enum { KEY_TEXT, SEQUENCE_TEXT, ID_TEXT, OWN_TEXT, MESSAGE_TEXT, BODY_TEXT, TEXTS };

/* How one of any kind begins; a kind may have more fields. Behind all of them lie its texts: the body last, and before
   it those that are no part of it. `size` is that of its JSON. */
typedef struct {
    PyObject_VAR_HEAD
    Common *common;
    long long place;
    Py_ssize_t line, part, size;
    Piece texts[TEXTS];
} Packed;

/* What differs between those that have much in common: `id` and `message` may start nowhere. What points into `body` is
   kept there alone. */
typedef struct {
    Text key, sequence, id, own, message, body;
    long long place;
    Py_ssize_t line, part;
} Parts;

/* The type of no record, but that from which those of all kinds are derived. */
extern PyTypeObject packed_type;

/* To be called once, before the types of kinds are prepared; false with an exception set. */
bool prepare_packed(void);

/* Makes one of a kind, whose size, and what is of its kind, are to be filled in. NULL with an exception set. */
Packed *packed_make(PyTypeObject *kind, Common *common, const Parts *parts);

/* Makes one as another lies in memory, from its place on, with so many bytes of texts; NULL with an exception set. */
Packed *packed_copy(PyTypeObject *kind, Common *common, const char *from, Py_ssize_t length);

static inline bool is_packed(PyObject *record)
{
    return Py_TYPE(record)->tp_base == &packed_type;
}

/* One of its texts; that starts nowhere where it is none. */
Text packed_text(const Packed *one, int which);

/* The same as an object; NULL with an exception set. */
PyObject *packed_text_object(const Packed *one, int which);

/* Whether its texts are where it says that they are. */
bool packed_is_sound(const Packed *one);

#endif
