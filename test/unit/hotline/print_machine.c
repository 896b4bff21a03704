/*
 * Prints the ticket machine's document; with a path, tells whether that file is the same:
 *     print_machine > proto/TICKET.md
 *     print_machine proto/TICKET.md
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sbuf.h"
#include "hotline/ticket_machine.h"

static int compare(const char *path, const struct sbuf *document)
{
    char *text = calloc(1, document->len + 2);
    FILE *f = fopen(path, "rb");

    if (!text || !f) {
        perror(path);
        free(text);
        return 1;
    }
    size_t len = fread(text, 1, document->len + 1, f);
    (void)fclose(f);
    int is_other = len != document->len || memcmp(text, document->data, len) != 0;
    free(text);
    if (is_other)
        (void)fprintf(stderr, "%s is not what the machine says; write it anew\n", path);
    return is_other;
}

int main(int argc, char **argv)
{
    struct sbuf document;
    int result = 0;

    sbuf_init(&document, 0);
    machine_write_document(&document);
    if (argc > 1)
        result = compare(argv[1], &document);
    else
        result = fwrite(document.data, 1, document.len, stdout) != document.len;
    sbuf_free(&document);
    return result;
}
