#include "homes.h"

enum { LEAST = 1024, WORD = sizeof(uint64_t) };

#define SPREAD 0x9E3779B97F4A7C15ULL /* 2^64 by the golden ratio */

static uint64_t mixed(uint64_t hash, const char *from, size_t count)
{
    uint64_t word = 0;
    memcpy(&word, from, count);
    hash = (hash ^ word) * SPREAD;
    return hash ^ hash >> 32;
}

static uint64_t hash_of(Text text)
{
    uint64_t hash = text.length;
    for (; text.length >= WORD; text.start += WORD, text.length -= WORD)
        hash = mixed(hash, text.start, WORD);
    hash = mixed(hash, text.start, text.length);
    return mixed(hash, "", 0); /* the last bytes of a text reach the bits by which a slot is chosen only now */
}

/* Whether there is what is sought; -1 with an exception set. */
static int is_of(const Home *home, const Sought *sought, uint64_t hash)
{
    if (home->hash != hash || !text_is(home->of.text, sought->text))
        return false;
    return PyObject_RichCompareBool(home->of.function, sought->function, Py_EQ);
}

/* Where that is, or is to be; NULL with an exception set. There is always a free slot. */
static Home *slot_of(const Homes *homes, const Sought *sought, uint64_t hash)
{
    for (size_t at = hash & (homes->capacity - 1);; at = (at + 1) & (homes->capacity - 1)) {
        Home *home = &homes->slots[at];
        int is_found = home->list ? is_of(home, sought, hash) : true;
        if (is_found)
            return is_found < 0 ? NULL : home;
    }
}

/* Has half of the slots be enough for one more. */
static bool make_room(Homes *homes)
{
    if (homes->count < homes->capacity / 2)
        return true;
    Homes larger = {.capacity = homes->capacity ? 2 * homes->capacity : LEAST, .count = homes->count};
    larger.slots = PyMem_Calloc(larger.capacity, sizeof(Home));
    if (!larger.slots)
        return PyErr_NoMemory(), false;
    for (size_t at = 0; at < homes->capacity; at++) {
        Home *home = &homes->slots[at];
        size_t to = home->hash & (larger.capacity - 1);
        while (home->list && larger.slots[to].list)
            to = (to + 1) & (larger.capacity - 1);
        if (home->list)
            larger.slots[to] = *home;
    }
    PyMem_Free(homes->slots);
    *homes = larger;
    return true;
}

PyObject *homes_find(const Homes *homes, const Sought *sought)
{
    Home *home = homes->capacity ? slot_of(homes, sought, hash_of(sought->text)) : NULL;
    return home ? home->list : NULL;
}

bool homes_add(Homes *homes, const Sought *sought, PyObject *list)
{
    uint64_t hash = hash_of(sought->text);
    Home *home = make_room(homes) ? slot_of(homes, sought, hash) : NULL;
    if (!home)
        return false;
    Py_INCREF(sought->function);
    Py_INCREF(sought->holder);
    *home = (Home){hash, *sought, Py_NewRef(list)};
    homes->count++;
    return true;
}

void homes_release(Homes *homes)
{
    for (size_t at = 0; at < homes->capacity; at++) {
        Home *home = &homes->slots[at];
        Py_XDECREF(home->of.function);
        Py_XDECREF(home->of.holder);
        Py_XDECREF(home->list);
    }
    PyMem_Free(homes->slots);
}
