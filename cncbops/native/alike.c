/* What cncbops.faults.shape folds away may be anything that it folds away likewise. Its patterns tell letters, digits,
   hexadecimal ones and ends of words apart, but no digit from another, save the 0 of 0x; and of a word that is an id no
   letter from another. What is not ASCII is taken for a part of a word and stays. */

#include "alike.h"

#include "native.h"

#include "ascii.h"

#define ANY_UUID "00000000-0000-0000-0000-000000000000"

/* How long a word is at least that is folded away as hexadecimal, or as another id, and a number behind a letter. */
enum { UUID_LENGTH = sizeof(ANY_UUID) - 1, HEXADECIMAL = 8, ID = 16, NUMBER = 3 };

static bool is_of_word(char byte)
{
    return is_digit(byte) || is_letter(byte) || byte == '_' || !is_ascii(byte);
}

static const char *word_end(const char *at, const char *end)
{
    while (at < end && is_of_word(*at))
        at++;
    return at;
}

/* Whether the word at a place begins a UUID. */
static bool is_uuid(const char *at, const char *end)
{
    if (end - at < UUID_LENGTH || (end - at > UUID_LENGTH && is_of_word(at[UUID_LENGTH])))
        return false;
    for (int place = 0; place < UUID_LENGTH; place++)
        if (ANY_UUID[place] == '-' ? at[place] != '-' : !is_hex(at[place]))
            return false;
    return true;
}

/* How any id begins that is folded away as this word is; 0 if it is none. */
static char id_start(Slice word)
{
    bool has_digit = false, has_letter = false, is_all_hex = true;
    if (slice_length(word) < HEXADECIMAL || (word.start[0] == '0' && word.start[1] == 'x'))
        return 0;
    for (const char *at = word.start; at < word.end; at++) {
        if (!is_digit(*at) && !is_letter(*at))
            return 0;
        has_digit = has_digit || is_digit(*at);
        has_letter = has_letter || is_letter(*at);
        is_all_hex = is_all_hex && is_hex(*at);
    }
    bool is_id = has_digit && has_letter && (is_all_hex || slice_length(word) >= ID);
    return !is_id ? 0 : is_all_hex ? 'a' : 'z';
}

/* Whether it may matter which digit there is at a place of a word: it stays behind a letter, if not many do. */
static bool may_matter(Slice word, const char *at)
{
    bool is_behind_letter = at > word.start && is_letter(at[-1]);
    bool is_number = word.end - at >= NUMBER && is_digit(at[1]) && is_digit(at[2]);
    bool is_before_x = at + 1 < word.end && at[1] == 'x';
    return is_before_x || (is_behind_letter && !is_number);
}

static void write_number(Slice word, char *to)
{
    for (const char *at = word.start; at < word.end; at++, to++)
        *to = is_digit(*at) && !may_matter(word, at) ? '0' : *at;
}

/* Writes a word, or the UUID that begins with it; returns what is behind that. */
static const char *write_word(Slice word, const char *end, bool may_be_id, char *to)
{
    if (may_be_id && is_uuid(word.start, end)) {
        memcpy(to, ANY_UUID, UUID_LENGTH);
        return word.start + UUID_LENGTH;
    }
    char start = may_be_id ? id_start(word) : 0;
    if (start) {
        memset(to, '0', slice_length(word));
        *to = start;
    } else {
        write_number(word, to);
    }
    return word.end;
}

/* Where an ARN is looked for, letters of an id may matter. */
static bool has_arn(Text text)
{
    static const char start[] = "arn:aws";
    const char *at = text.start, *end = at + text.length;
    while (at && end - at >= (ptrdiff_t)sizeof(start) - 1) {
        if (memcmp(at, start, sizeof(start) - 1) == 0)
            return true;
        at = memchr(at + 1, start[0], end - at - 1);
    }
    return false;
}

void write_alike(Text text, char *to)
{
    const char *const end = text.start + text.length;
    bool may_be_ids = !has_arn(text);
    for (const char *at = text.start, *next; at < end; to += next - at, at = next) {
        Slice word = {at, word_end(at, end)};
        if (word.start < word.end) {
            next = write_word(word, end, may_be_ids, to);
        } else {
            *to = *at;
            next = at + 1;
        }
    }
}

PyObject *alike(PyObject *Py_UNUSED(module), PyObject *message)
{
    Text text;
    text.start = PyUnicode_AsUTF8AndSize(message, &text.length);
    if (!text.start && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        return Py_NewRef(message);
    }
    PyObject *written = text.start ? PyBytes_FromStringAndSize(NULL, text.length) : NULL;
    if (!written)
        return NULL;
    write_alike(text, PyBytes_AS_STRING(written));
    Py_SETREF(written, PyUnicode_DecodeUTF8(PyBytes_AS_STRING(written), text.length, NULL));
    return written;
}
