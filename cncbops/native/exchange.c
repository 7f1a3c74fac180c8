/* A request and what comes back over a plain socket, while Python goes on with something else.

   Python would let go of its lock, and wait to have it again, for each of the system's calls. */

#include "native.h"

#include "reply.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* Python ignores the signal */
#endif

#define PARTS 2

/* What comes first of an answer, where nothing is known of it yet. */
enum { FIRST = 16 * 1024 };

/* Where bytes are put that are received. */
typedef struct {
    char *start;
    size_t received, least, most;
} Room;

/* How far an exchange is: it goes on from there after a signal. `head` is what `first` begins with, if it is usual. */
typedef struct {
    int socket;
    int send_ms, read_ms;
    struct iovec parts[PARTS]; /* what is left to send */
    bool is_begun, is_dropped, is_unsent;
    Room first, body;
    Head head;
} Exchange;

/* Waits for a socket; false with errno set if it is not ready in time. */
static bool is_ready(int socket, short for_what, int longest_ms)
{
    struct pollfd waiting = {socket, for_what, 0};
    int ready = poll(&waiting, 1, longest_ms);
    if (ready == 0)
        errno = ETIMEDOUT;
    return ready > 0;
}

static bool would_wait(ssize_t result)
{
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Between an answer and the next request nothing comes but the end. */
static bool is_dropped(int socket)
{
    char next;
    return !would_wait(recv(socket, &next, 1, MSG_PEEK | MSG_DONTWAIT));
}

static void pass_over(struct iovec *parts, size_t sent)
{
    for (int at = 0; at < PARTS; at++) {
        size_t some = sent < parts[at].iov_len ? sent : parts[at].iov_len;
        parts[at].iov_base = (char *)parts[at].iov_base + some;
        parts[at].iov_len -= some;
        sent -= some;
    }
}

/* Sends what is left to send; false with errno set: EAGAIN where it is not taken in time. */
static bool send_parts(Exchange *exchange)
{
    while (exchange->parts[0].iov_len || exchange->parts[1].iov_len) {
        struct msghdr message = {.msg_iov = exchange->parts, .msg_iovlen = PARTS};
        ssize_t sent = sendmsg(exchange->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            pass_over(exchange->parts, (size_t)sent);
        } else if (!would_wait(sent)) {
            return false;
        } else if (!is_ready(exchange->socket, POLLOUT, exchange->send_ms)) {
            errno = errno == ETIMEDOUT ? EAGAIN : errno;
            return false;
        }
    }
    return true;
}

/* Receives the least that is wanted, or up to the end; false with errno set. */
static bool receive_least(const Exchange *exchange, Room *room)
{
    while (room->received < room->least) {
        char *to = room->start + room->received;
        ssize_t more = recv(exchange->socket, to, room->most - room->received, MSG_DONTWAIT);
        if (more == 0)
            return true;
        if (more > 0)
            room->received += (size_t)more;
        else if (!would_wait(more) || !is_ready(exchange->socket, POLLIN, exchange->read_ms))
            return false;
    }
    return true;
}

static bool receive_body(Exchange *exchange)
{
    return receive_least(exchange, &exchange->body);
}

/* Sends the request, and receives what comes first of the answer, or what is left of that; false with errno set. */
static bool ask(Exchange *exchange)
{
    if (!exchange->is_begun && (exchange->is_dropped = is_dropped(exchange->socket)))
        return true;
    exchange->is_begun = true;
    if (!exchange->is_unsent && !send_parts(exchange)) {
        if (errno != EPIPE && errno != ECONNRESET)
            return false;
        exchange->is_unsent = true; /* it may have answered before it closed */
    }
    if (exchange->first.received == 0 && !is_ready(exchange->socket, POLLIN, exchange->read_ms))
        return false;
    return receive_least(exchange, &exchange->first);
}

/* Begins the body, if it is as long as the room that was made for it. */
static void begin_body(Exchange *exchange)
{
    Room *first = &exchange->first, *body = &exchange->body;
    if (!head_take(first->start, first->received, &exchange->head) || exchange->head.length != body->most)
        return;
    body->received = (size_t)(first->start + first->received - exchange->head.end);
    body->least = body->most;
    memcpy(body->start, exchange->head.end, body->received);
}

/* All of an exchange, or what is left of it; false with errno set. */
static bool ask_and_receive(Exchange *exchange)
{
    if (!ask(exchange))
        return false;
    if (!exchange->head.status && !exchange->is_dropped)
        begin_body(exchange);
    return receive_body(exchange);
}

/* Has a step taken without Python's lock, as often as signals interrupt it; false with an exception set. */
static bool without_lock(bool (*step)(Exchange *), Exchange *exchange)
{
    bool is_done = false;
    while (!is_done) {
        int failure = 0;
        Py_BEGIN_ALLOW_THREADS
        is_done = step(exchange);
        failure = errno;
        Py_END_ALLOW_THREADS
        errno = failure;
        if (!is_done && failure != EINTR)
            PyErr_SetFromErrno(PyExc_OSError);
        if (!is_done && (failure != EINTR || PyErr_CheckSignals() < 0))
            return false;
    }
    return true;
}

/* A descriptor; false with an exception set. */
static bool socket_of(PyObject *object, int *socket)
{
    *socket = PyObject_AsFileDescriptor(object);
    return *socket >= 0;
}

/* Seconds, None for ever, as poll has them; false with an exception set. */
static bool milliseconds(PyObject *object, int *ms)
{
    double seconds = object == Py_None ? -1 : PyFloat_AsDouble(object);
    if (PyErr_Occurred())
        return false;
    *ms = object == Py_None ? -1 : seconds <= 0 ? 0 : seconds < INT_MAX / 1000 ? (int)(seconds * 1000 + 0.5) : INT_MAX;
    return true;
}

static bool part_of(PyObject *object, struct iovec *part)
{
    char *text;
    Py_ssize_t length;
    bool is_bytes = PyBytes_AsStringAndSize(object, &text, &length) == 0;
    if (is_bytes)
        *part = (struct iovec){text, (size_t)length};
    return is_bytes;
}

static bool size_of(PyObject *object, Py_ssize_t least, size_t *size)
{
    Py_ssize_t number = PyLong_AsSsize_t(object);
    if (number < least && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "there is no such size");
    *size = (size_t)number;
    return number >= least;
}

/* Bytes of which as many came; NULL with an exception set. They are taken over. */
static PyObject *as_received(PyObject *bytes, size_t size)
{
    if (bytes && (size_t)PyBytes_GET_SIZE(bytes) > size)
        _PyBytes_Resize(&bytes, (Py_ssize_t)size);
    return bytes;
}

/* What an exchange came to, with `body`, which is taken over, for the bytes behind the head. */
static PyObject *answer_of(const Exchange *exchange, PyObject *body)
{
    bool is_usual = exchange->head.status;
    const char *end = exchange->first.start + exchange->first.received;
    const char *start = is_usual ? exchange->head.end : exchange->first.start;
    PyObject *head = is_usual ? head_object(&exchange->head) : Py_NewRef(Py_None);
    if (exchange->body.least)
        body = as_received(body, exchange->body.received);
    else
        Py_SETREF(body, PyBytes_FromStringAndSize(start, end - start));
    return Py_BuildValue("NNO", head, body, exchange->is_unsent ? Py_False : Py_True);
}

PyObject *exchange(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    char first[FIRST];
    Exchange exchange = {.first = {first, 0, 1, FIRST}};
    if (!has_arguments(count, 6) || !socket_of(arguments[0], &exchange.socket) ||
        !part_of(arguments[1], &exchange.parts[0]) || !part_of(arguments[2], &exchange.parts[1]) ||
        !size_of(arguments[3], 0, &exchange.body.most) || !milliseconds(arguments[4], &exchange.send_ms) ||
        !milliseconds(arguments[5], &exchange.read_ms))
        return NULL;
    PyObject *body = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)exchange.body.most);
    if (!body)
        return NULL;
    exchange.body.start = PyBytes_AS_STRING(body);
    if (without_lock(ask_and_receive, &exchange) && !exchange.is_dropped)
        return answer_of(&exchange, body);
    Py_DECREF(body);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *receive(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Exchange exchange = {0};
    Room *room = &exchange.body;
    struct iovec held;
    if (!has_arguments(count, 5) || !socket_of(arguments[0], &exchange.socket) ||
        !size_of(arguments[1], 1, &room->least) || !size_of(arguments[2], 1, &room->most) ||
        !milliseconds(arguments[3], &exchange.read_ms) || !part_of(arguments[4], &held))
        return NULL;
    room->least = room->least < room->most ? room->least : room->most;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(held.iov_len + room->most));
    if (!bytes)
        return NULL;
    memcpy(PyBytes_AS_STRING(bytes), held.iov_base, held.iov_len);
    room->start = PyBytes_AS_STRING(bytes) + held.iov_len;
    if (without_lock(receive_body, &exchange))
        return as_received(bytes, held.iov_len + room->received);
    Py_DECREF(bytes);
    return NULL;
}
