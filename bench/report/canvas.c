/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/canvas.h"

#include <string.h>

#include "bench/report/escape.h"

double lb_text_width(const char *text) {
    static const char kNarrow[] = "ijl.,:;|!'()[] ", kWide[] = "mwMW%@";
    double width = 0;
    for (; *text; text++) {
        if (((unsigned char)*text & 0xc0) == 0x80) continue; /* the rest of a character of several bytes */
        if (strchr(kNarrow, *text))
            width += 4.7;
        else if (strchr(kWide, *text))
            width += 11.5;
        else
            width += *text >= 'A' && *text <= 'Z' ? 8.6 : 7.65;
    }
    return width;
}

void lb_text_fit(char *text, size_t size, double width) {
    static const char kEllipsis[] = "…";
    if (lb_text_width(text) <= width) return;
    size_t length = strlen(text);
    do {
        do length--;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80);
        if (length + sizeof kEllipsis <= size) memcpy(text + length, kEllipsis, sizeof kEllipsis);
    } while (length && lb_text_width(text) > width);
}

void lb_draw_text(FILE *file, double x, double y, const char *anchor, const char *style, const char *text) {
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
    if (*anchor != 's') fprintf(file, " text-anchor=\"%s\"", anchor);
    if (*style) fprintf(file, " class=\"%s\"", style);
    fputc('>', file);
    lb_put_xml(file, text);
    fputs("</text>\n", file);
}

void lb_draw_line(FILE *file, double x0, double y0, double x1, double y1, const char *style) {
    fprintf(file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x0, y0, x1, y1, style);
}

/* Outlines around the middle, of about the same area. */
enum { MARKERS = LB_FIGURE_STYLES / 2 };
static const char *const kMarkers[MARKERS] = {
    "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",                          /* circle */
    "m-3.6-3.6h7.2v7.2h-7.2z",                                     /* square */
    "m0-4.8l4.6 8h-9.2z",                                          /* triangle */
    "m0-5.2l5.2 5.2l-5.2 5.2l-5.2-5.2z",                           /* diamond */
    "m0 4.8l4.6-8h-9.2z",                                          /* triangle, upside down */
    "m-1.6-4.8h3.2v3.2h3.2v3.2h-3.2v3.2h-3.2v-3.2h-3.2v-3.2h3.2z", /* plus */
    "m-4.8-2.4h9.6v4.8h-9.6z",                                     /* bar lying */
    "m-2.4-4.8h4.8v9.6h-4.8z",                                     /* bar standing */
};

size_t lb_style_class(size_t style) { return style % MARKERS; }

void lb_draw_marker(FILE *file, size_t style, double x, double y, bool hollow, const char *title) {
    hollow = hollow || style % LB_FIGURE_STYLES >= MARKERS;
    fprintf(file, "<path class=\"k s%zu%s\" d=\"M%.1f %.1f%s\"", lb_style_class(style), hollow ? " o" : "", x, y,
            kMarkers[lb_style_class(style)]);
    if (!*title) {
        fputs("/>\n", file);
        return;
    }
    fputs("><title>", file);
    lb_put_xml(file, title);
    fputs("</title></path>\n", file);
}

void lb_draw_begin(FILE *file, const lb_figure *figure, double height) {
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
            "aria-labelledby=\"%s-t %s-d\">\n<title id=\"%s-t\">",
            LB_CANVAS_WIDTH, height, figure->id, figure->id, figure->id);
    lb_put_xml(file, figure->title);
    fprintf(file, "</title>\n<desc id=\"%s-d\">", figure->id);
    lb_put_xml(file, figure->caption);
    fputs("</desc>\n", file);
}

void lb_draw_end(FILE *file) { fputs("</svg>\n", file); }
