/* What is in any way unusual of an answer is left to Python. */

#include "reply.h"

#include "ascii.h"

enum { LONGEST_NAME = 64, MOST_DIGITS = 15 };

#define VERSION "HTTP/1.1 "

/* A piece of the head, without the end of its line. */
typedef struct {
    const char *at;
    const char *end;
} Part;

static bool is_text(Part part, const char *text)
{
    Py_ssize_t length = (Py_ssize_t)strlen(text);
    return part.end - part.at == length && PyOS_strnicmp(part.at, text, length) == 0;
}

/* Takes a line off what is left; false where it has no end, or holds what is no printable ASCII. */
static bool take_line(Part *left, Part *line)
{
    line->at = left->at;
    while (left->at < left->end && *left->at >= ' ' && *left->at <= '~')
        left->at++;
    line->end = left->at;
    if (left->end - left->at < 2 || left->at[0] != '\r' || left->at[1] != '\n')
        return false;
    left->at += 2;
    return true;
}

/* The status of an answer that may have a body, 0 of any other. */
static int status_of(Part line)
{
    size_t before = sizeof VERSION - 1;
    if ((size_t)(line.end - line.at) < before + 3 || memcmp(line.at, VERSION, before) != 0)
        return 0;
    const char *code = line.at + before;
    if (!is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]) || (code + 3 < line.end && code[3] != ' '))
        return 0;
    int status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
    return status < 200 || status == 204 || status == 304 ? 0 : status;
}

/* How many bytes are said to follow; false where that is no number. */
static bool length_of(Part value, size_t *length)
{
    if (value.at == value.end || value.end - value.at > MOST_DIGITS)
        return false;
    for (*length = 0; value.at < value.end && is_digit(*value.at); value.at++)
        *length = *length * 10 + (size_t)(*value.at - '0');
    return value.at == value.end;
}

/* Parts a line at its colon, and takes the spaces off the value. */
static bool cut_header(Part line, Part *name, Part *value)
{
    const char *colon = memchr(line.at, ':', (size_t)(line.end - line.at));
    if (!colon || colon == line.at || colon - line.at > LONGEST_NAME)
        return false;
    *name = (Part){line.at, colon};
    *value = (Part){colon + 1, line.end};
    while (value->at < value->end && *value->at == ' ')
        value->at++;
    while (value->end > value->at && value->end[-1] == ' ')
        value->end--;
    return true;
}

/* Looks at a header; false where it is not usual. */
static bool take_header(Part line, Head *head, bool *has_length)
{
    Part name, value;
    if (!cut_header(line, &name, &value) || is_text(name, "transfer-encoding") ||
        (is_text(name, "connection") && !is_text(value, "keep-alive")))
        return false;
    if (!is_text(name, "content-length"))
        return true;
    bool is_first = !*has_length;
    *has_length = true;
    return is_first && length_of(value, &head->length);
}

bool head_take(const char *start, size_t size, Head *head)
{
    Part left = {start, start + size}, line;
    bool has_length = false;
    int status = take_line(&left, &line) ? status_of(line) : 0;
    head->lines = left.at;
    while (status && take_line(&left, &line)) {
        head->end = left.at;
        if (line.at == line.end) {
            head->status = has_length && (size_t)(left.end - left.at) <= head->length ? status : 0;
            return head->status;
        }
        if (!take_header(line, head, &has_length))
            return false;
    }
    return false;
}

static PyObject *lower_text(Part part)
{
    char lower[LONGEST_NAME];
    Py_ssize_t length = part.end - part.at;
    for (Py_ssize_t at = 0; at < length; at++)
        lower[at] = (char)(part.at[at] | (part.at[at] >= 'A' && part.at[at] <= 'Z' ? 'a' - 'A' : 0));
    return PyUnicode_FromStringAndSize(lower, length);
}

/* The value of a header that may have come before: the values of all are one list. */
static PyObject *value_of(PyObject *headers, PyObject *name, Part value)
{
    PyObject *text = PyUnicode_FromStringAndSize(value.at, value.end - value.at);
    PyObject *before = text ? PyDict_GetItemWithError(headers, name) : NULL;
    if (before)
        Py_SETREF(text, PyUnicode_FromFormat("%U, %U", before, text));
    else if (PyErr_Occurred())
        Py_CLEAR(text);
    return text;
}

static bool add_header(PyObject *headers, Part line)
{
    Part name, value;
    cut_header(line, &name, &value);
    PyObject *key = lower_text(name), *text = key ? value_of(headers, key, value) : NULL;
    bool is_set = text && PyDict_SetItem(headers, key, text) == 0;
    Py_XDECREF(key);
    Py_XDECREF(text);
    return is_set;
}

PyObject *head_object(const Head *head)
{
    PyObject *headers = PyDict_New();
    Part left = {head->lines, head->end}, line;
    while (headers && take_line(&left, &line) && line.at < line.end)
        if (!add_header(headers, line))
            Py_CLEAR(headers);
    return headers ? Py_BuildValue("iNn", head->status, headers, (Py_ssize_t)head->length) : NULL;
}

PyObject *usual_head(PyObject *Py_UNUSED(module), PyObject *answer)
{
    char *start;
    Py_ssize_t size;
    Head head;
    if (PyBytes_AsStringAndSize(answer, &start, &size) < 0)
        return NULL;
    if (!head_take(start, (size_t)size, &head))
        return Py_BuildValue("OO", Py_None, answer);
    PyObject *object = head_object(&head);
    return object ? Py_BuildValue("Ny#", object, head.end, (Py_ssize_t)(start + size - head.end)) : NULL;
}
