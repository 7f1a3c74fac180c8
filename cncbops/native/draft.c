#include "draft.h"

/* Of a partition key; counted in bytes here, which are never fewer. */
#define LONGEST_KEY 256

/* What follows a synthesized sequence number's order: line and part, at most as many digits. */
#define LONGEST_PLACE 40

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

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
    draft->parts.key = found->key.start ? found->key : found->id;
    draft->is_synthesized |= !found->key.start;
    if (!draft->parts.key.start || draft->parts.key.length > LONGEST_KEY)
        return false;
    draft->key = text_object(draft->parts.key, draft->id);
    return draft->key;
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
    Text *text = &draft->parts.sequence;
    *text = found->sequence;
    draft->is_synthesized |= !text->start;
    draft->sequence = text->start ? text_object(*text, NULL) : synthesized_sequence(maker, line);
    if (draft->sequence && !text->start)
        text->start = PyUnicode_AsUTF8AndSize(draft->sequence, &text->length);
    return text->start;
}

/* An object's events are of few shards, of which those are held that differ in how they end. */
static bool set_shard(Draft *draft, Maker *maker, const Found *found)
{
    Text *text = &draft->parts.shard;
    *text = found->shard;
    if (text->start) {
        PyObject **held = &maker->shards[(unsigned char)text->start[text->length - 1] % SHARDS];
        draft->shard = text_object(*text, *held);
        Py_XSETREF(*held, Py_XNewRef(draft->shard));
    } else {
        draft->shard = Py_NewRef(maker->shard);
        text->start = PyUnicode_AsUTF8AndSize(draft->shard, &text->length);
    }
    return draft->shard && text->start;
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

bool draft_fill(Draft *draft, Maker *maker, Py_ssize_t line, const Found *found)
{
    draft->id = text_object(found->id, NULL);
    draft->parts.event = found->event;
    draft->parts.name = name_of(maker, found);
    return draft->id && draft->parts.name && set_key(draft, found) && set_sequence(draft, maker, line, found) &&
           set_shard(draft, maker, found);
}

PyObject *draft_record(const Draft *draft, const Maker *maker, Py_ssize_t line, long long place, Py_ssize_t *length)
{
    PyObject *body = unwritten_of(&draft->parts);
    if (!body)
        return NULL;
    *length = body_length(body);
    PyObject *numbers[] = {PyLong_FromSsize_t(line), PyLong_FromLong(0), PyLong_FromLongLong(place)};
    PyObject *arguments[] = {body, draft->key, draft->sequence, draft->id, maker->object,
                             numbers[0], numbers[1], draft->shard, numbers[2]};
    bool is_whole = numbers[0] && numbers[1] && numbers[2];
    PyObject *record = is_whole ? PyObject_Vectorcall(maker->make, arguments, COUNT(arguments), NULL) : NULL;
    Py_DECREF(body);
    for (size_t at = 0; at < COUNT(numbers); at++)
        Py_XDECREF(numbers[at]);
    return record;
}

void draft_release(Draft *draft)
{
    Py_XDECREF(draft->key);
    Py_XDECREF(draft->sequence);
    Py_XDECREF(draft->id);
    Py_XDECREF(draft->shard);
}

void maker_release(Maker *maker)
{
    for (int at = 0; at < SHARDS; at++)
        Py_CLEAR(maker->shards[at]);
    Py_CLEAR(maker->name.bytes);
}
