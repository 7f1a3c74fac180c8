/* An answer of HTTP/1.1 that is there whole, as nearly all are. What is in any way unusual is left to Python. */

#include "native.h"

enum { LONGEST_NAME = 64, MOST_DIGITS = 15 };

#define VERSION "HTTP/1.1 "

/* A piece of the head, without the end of its line. */
typedef struct {
    const char *at;
    const char *end;
} Part;

typedef struct {
    PyObject *headers;
    Py_ssize_t length; /* of the body; -1 where it is not said */
} Head;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

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

/* How many bytes are said to follow, -1 where that is no number. */
static Py_ssize_t length_of(Part value)
{
    Py_ssize_t length = 0;
    if (value.at == value.end || value.end - value.at > MOST_DIGITS)
        return -1;
    for (; value.at < value.end; value.at++) {
        if (!is_digit(*value.at))
            return -1;
        length = length * 10 + (*value.at - '0');
    }
    return length;
}

static PyObject *lower_text(Part part)
{
    char lower[LONGEST_NAME];
    Py_ssize_t length = part.end - part.at;
    for (Py_ssize_t at = 0; at < length; at++)
        lower[at] = (char)(part.at[at] | (part.at[at] >= 'A' && part.at[at] <= 'Z' ? 'a' - 'A' : 0));
    return PyUnicode_FromStringAndSize(lower, length);
}

/* Adds what is not there yet. */
static bool add(PyObject *headers, Part name, Part value)
{
    Py_ssize_t before = PyDict_GET_SIZE(headers);
    PyObject *key = lower_text(name), *text = PyUnicode_FromStringAndSize(value.at, value.end - value.at);
    bool is_set = key && text && PyDict_SetDefault(headers, key, text);
    Py_XDECREF(key);
    Py_XDECREF(text);
    return is_set && PyDict_GET_SIZE(headers) > before;
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

static bool take_header(Head *head, Part line)
{
    Part name, value;
    if (!cut_header(line, &name, &value) || is_text(name, "transfer-encoding") ||
        (is_text(name, "connection") && !is_text(value, "keep-alive")))
        return false;
    if (is_text(name, "content-length") && (head->length = length_of(value)) < 0)
        return false;
    return add(head->headers, name, value);
}

/* Takes the head off an answer; its status, 0 where it is not usual. */
static int take_head(Part *left, Head *head)
{
    Part line;
    int status = take_line(left, &line) ? status_of(line) : 0;
    while (status && take_line(left, &line)) {
        if (line.at == line.end)
            return status;
        if (!take_header(head, line))
            return 0;
    }
    return 0;
}

PyObject *whole_reply(PyObject *Py_UNUSED(module), PyObject *answer)
{
    char *start;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(answer, &start, &size) < 0)
        return NULL;
    Head head = {PyDict_New(), -1};
    Part left = {start, start + size};
    int status = head.headers ? take_head(&left, &head) : 0;
    if (status && left.end - left.at == head.length)
        return Py_BuildValue("iNy#", status, head.headers, left.at, head.length);
    Py_XDECREF(head.headers);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}
