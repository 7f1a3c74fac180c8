/* A request and what comes back over a plain socket, while Python goes on with something else.

   Python would let go of its lock, and wait to have it again, for each of the system's calls. */

#include "native.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* Python ignores the signal */
#endif

#define PARTS 2

/* How far an exchange is: it goes on from there after a signal. */
typedef struct {
    int socket;
    int send_ms, read_ms;
    struct iovec parts[PARTS]; /* what is left to send */
    bool is_begun, is_dropped, is_unsent;
    char *buffer;
    size_t received, least, most;
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
static bool receive_least(Exchange *exchange)
{
    while (exchange->received < exchange->least) {
        char *to = exchange->buffer + exchange->received;
        ssize_t more = recv(exchange->socket, to, exchange->most - exchange->received, MSG_DONTWAIT);
        if (more == 0)
            return true;
        if (more > 0)
            exchange->received += (size_t)more;
        else if (!would_wait(more) || !is_ready(exchange->socket, POLLIN, exchange->read_ms))
            return false;
    }
    return true;
}

/* All of an exchange, or what is left of it; false with errno set. */
static bool ask_and_receive(Exchange *exchange)
{
    if (!exchange->is_begun && (exchange->is_dropped = is_dropped(exchange->socket)))
        return true;
    exchange->is_begun = true;
    if (!exchange->is_unsent && !send_parts(exchange)) {
        if (errno != EPIPE && errno != ECONNRESET)
            return false;
        exchange->is_unsent = true; /* it may have answered before it closed */
    }
    if (exchange->received == 0 && !is_ready(exchange->socket, POLLIN, exchange->read_ms))
        return false;
    return receive_least(exchange);
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

/* The bytes that a step receives, behind those that are held; NULL with an exception set. */
static PyObject *received(bool (*step)(Exchange *), Exchange *exchange, struct iovec held)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(held.iov_len + exchange->most));
    if (!bytes)
        return NULL;
    exchange->buffer = PyBytes_AS_STRING(bytes) + held.iov_len;
    if (!without_lock(step, exchange)) {
        Py_DECREF(bytes);
        return NULL;
    }
    memcpy(PyBytes_AS_STRING(bytes), held.iov_base, held.iov_len);
    _PyBytes_Resize(&bytes, (Py_ssize_t)(held.iov_len + exchange->received));
    return bytes;
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

static bool size_of(PyObject *object, size_t *size)
{
    Py_ssize_t number = PyLong_AsSsize_t(object);
    if (number <= 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "something is to be received");
    *size = (size_t)number;
    return number > 0;
}

PyObject *ask(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Exchange exchange = {.least = 1};
    if (!has_arguments(count, 6) || !socket_of(arguments[0], &exchange.socket) ||
        !part_of(arguments[1], &exchange.parts[0]) || !part_of(arguments[2], &exchange.parts[1]) ||
        !size_of(arguments[3], &exchange.most) || !milliseconds(arguments[4], &exchange.send_ms) ||
        !milliseconds(arguments[5], &exchange.read_ms))
        return NULL;
    PyObject *bytes = received(ask_and_receive, &exchange, (struct iovec){"", 0});
    if (bytes && exchange.is_dropped) {
        Py_DECREF(bytes);
        Py_RETURN_NONE;
    }
    return bytes ? Py_BuildValue("NO", bytes, exchange.is_unsent ? Py_False : Py_True) : NULL;
}

PyObject *receive(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Exchange exchange = {0};
    struct iovec held;
    if (!has_arguments(count, 5) || !socket_of(arguments[0], &exchange.socket) ||
        !size_of(arguments[1], &exchange.least) || !size_of(arguments[2], &exchange.most) ||
        !milliseconds(arguments[3], &exchange.read_ms) || !part_of(arguments[4], &held))
        return NULL;
    if (exchange.least > exchange.most)
        exchange.least = exchange.most;
    return received(receive_least, &exchange, held);
}
