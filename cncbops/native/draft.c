#include "draft.h"

#include "ascii.h"

/* Of a partition key; counted in bytes here, which are never fewer. */
#define LONGEST_KEY 256

/* What follows a synthesized sequence number's order: line and part, at most as many digits. */
#define LONGEST_PLACE 40

/* Whether a text may be a number of milliseconds, which is as good as one. */
static bool may_be_number(Text text)
{
    for (Py_ssize_t at = 0; at < text.length; at++)
        if (!is_digit(text.start[at]) && text.start[at] != '.')
            return false;
    return text.length > 0;
}

/* When an event happened and when it arrived, one standing in for the other. */
bool draft_set_times(Draft *draft, const Maker *maker, const Found *found)
{
    bool is_time = found->time_ms >= 0 && found->time_ms <= LATEST_MS;
    long long stand_in_ms = is_time && found->time_ms ? found->time_ms : maker->time_ms;
    draft->parts.arrival_ms = found->arrival_ms == NO_TIME ? stand_in_ms : found->arrival_ms;
    draft->time_ms = is_time ? found->time_ms : draft->parts.arrival_ms;
    return !may_be_number(found->time_text);
}

static bool set_key(Draft *draft, const Found *found)
{
    draft->parts.head.key = found->key.start ? found->key : found->id;
    draft->is_synthesized |= !found->key.start;
    return draft->parts.head.key.start && draft->parts.head.key.length <= LONGEST_KEY;
}

/* The object's order, then line and part. */
static PyObject *synthesized_sequence(const Maker *maker, Py_ssize_t line)
{
    char place[LONGEST_PLACE];
    PyOS_snprintf(place, sizeof(place), "%010zd%09d", line, 0);
    return PyUnicode_FromFormat("%U%s", maker->order, place);
}

static bool set_sequence(Draft *draft, const Maker *maker, Py_ssize_t line, const Found *found)
{
    Text *text = &draft->parts.head.sequence;
    *text = found->sequence;
    if (text->start)
        return true;
    draft->is_synthesized = true;
    draft->sequence = synthesized_sequence(maker, line);
    text->start = draft->sequence ? PyUnicode_AsUTF8AndSize(draft->sequence, &text->length) : NULL;
    return text->start;
}

/* What records of a stream have in common, made anew where the stream is another. */
static PyObject *name_of(Maker *maker, const Found *found)
{
    Name *name = &maker->name;
    if (name->bytes && text_is(name->stream, found->stream) && text_is(name->region, found->region) &&
        text_is(name->account, found->account))
        return name->bytes;
    PyObject *stream = text_object(found->stream, NULL), *region = text_object(found->region, NULL);
    PyObject *account = text_object(found->account, NULL);
    PyObject *made = stream && region && account
                         ? PyObject_CallFunctionObjArgs(maker->name_of, stream, region, account, NULL) : NULL;
    Py_XDECREF(stream);
    Py_XDECREF(region);
    Py_XDECREF(account);
    if (made && !PyBytes_Check(made)) {
        PyErr_SetString(PyExc_TypeError, "a name is bytes");
        Py_CLEAR(made);
    }
    Py_XSETREF(name->bytes, made);
    *name = (Name){found->stream, found->region, found->account, made};
    return made;
}

/* An object's events are of few shards, of which those are held that differ in how they end. */
static bool set_common(Draft *draft, Maker *maker, const Found *found)
{
    PyObject *name = name_of(maker, found);
    if (!name)
        return false;
    Text shard = found->shard;
    Common **held = &maker->of_shard[shard.start ? (unsigned char)shard.start[shard.length - 1] % SHARDS : 0];
    bool is_held = *held && (*held)->own == name &&
                   (shard.start ? text_is((*held)->group_text, shard) : (*held)->group == maker->shard);
    if (!is_held) {
        PyObject *group = shard.start ? text_object(shard, NULL) : Py_NewRef(maker->shard);
        common_release(*held);
        *held = group ? record_common_of(maker->make, maker->object, group, name) : NULL;
        Py_XDECREF(group);
    }
    draft->common = *held;
    return *held;
}

PyObject *draft_record(Draft *draft, Maker *maker, Py_ssize_t line, long long place, const Found *found)
{
    draft->parts.head.id = found->id;
    draft->parts.head.body = found->event;
    draft->parts.head.line = line;
    draft->parts.head.place = place;
    bool is_filled = set_key(draft, found) && set_sequence(draft, maker, line, found) &&
                     set_common(draft, maker, found);
    PyObject *record = is_filled ? packed_record_of(draft->common, &draft->parts) : NULL;
    Py_CLEAR(draft->sequence);
    return record;
}

void maker_release(Maker *maker)
{
    for (int at = 0; at < SHARDS; at++)
        common_release(maker->of_shard[at]);
    Py_CLEAR(maker->name.bytes);
}
