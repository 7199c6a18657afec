/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-in for GNU libintl in builds that are only tested: GLib cannot be
 * built without one for Windows, even with its translations switched off.
 * Nothing is translated; each function hands back what it was given.
 */
#ifndef VPASID_LIBINTL_H
#define VPASID_LIBINTL_H

#include <locale.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A category that Windows does not have. */
#ifndef LC_MESSAGES
#define LC_MESSAGES 1729
#endif

/* Lets the compiler check the format string behind the call. */
#define INTL_FORMAT(n) __attribute__((format_arg(n)))

char *gettext(const char *text) INTL_FORMAT(1);
char *dgettext(const char *domain, const char *text) INTL_FORMAT(2);
char *dcgettext(const char *domain, const char *text, int category)
    INTL_FORMAT(2);
char *ngettext(const char *one, const char *many, unsigned long n)
    INTL_FORMAT(1) INTL_FORMAT(2);
char *dngettext(const char *domain, const char *one, const char *many,
                unsigned long n) INTL_FORMAT(2) INTL_FORMAT(3);
char *textdomain(const char *domain);
char *bindtextdomain(const char *domain, const char *directory);
char *bind_textdomain_codeset(const char *domain, const char *codeset);

#ifdef __cplusplus
}
#endif

#endif
