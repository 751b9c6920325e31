/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/labels.h"

#include "bench/report/canvas.h"
#include "kernels/base/base.h"

enum { DOT = 6, ASCENT = 10, DESCENT = 3 };

void lb_labels_add(lb_labels *labels, double x, double y, const char *name) {
    labels->items[labels->count++] =
        (lb_label){.name = name, .dot_x = x, .dot_y = y, .width = lb_text_width(name), .anchor = ""};
}

typedef struct box {
    double left, top, right, bottom;
} box;

static bool meet(box a, box b) { return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom; }

static box box_of(const lb_label *l) {
    return (box){l->x - 2, l->y - ASCENT - 1, l->x + l->width + 2, l->y + DESCENT + 1};
}

static bool is_free(const lb_labels *labels, const lb_label *l, box bounds) {
    const box mine = box_of(l);
    bool is_free = mine.left >= bounds.left && mine.right <= bounds.right && mine.top >= bounds.top &&
                   mine.bottom <= bounds.bottom;
    for (size_t i = 0; is_free && i < labels->count; i++) {
        const lb_label *other = &labels->items[i];
        const box dot = {other->dot_x - DOT, other->dot_y - DOT, other->dot_x + DOT, other->dot_y + DOT};
        is_free = !meet(mine, dot) && !(*other->anchor && meet(mine, box_of(other)));
    }
    return is_free;
}

/* `part` of the text's width lies left of the dot's x + dx. */
static const struct {
    double part, dx, dy;
    bool leads;
} kPlaces[] = {{0, 9, 4, false},   {1, -9, 4, false},  {0.5, 0, -10, false}, {0.5, 0, 19, false},
               {0, 6, -8, false},  {1, -6, -8, false}, {0, 6, 17, false},    {1, -6, 17, false},
               {0, 16, -20, true}, {0, 16, 30, true},  {1, -16, -20, true},  {1, -16, 30, true},
               {0, 16, -36, true}, {0, 16, 46, true},  {1, -16, -36, true},  {1, -16, 46, true}};

void lb_labels_place(lb_labels *labels, double left, double top, double right, double bottom) {
    const box bounds = {left, top, right, bottom};
    for (size_t i = 0; i < labels->count; i++) {
        lb_label *l = &labels->items[i];
        for (size_t p = 0; p < LB_COUNT(kPlaces) && !*l->anchor; p++) {
            l->x = l->dot_x + kPlaces[p].dx - kPlaces[p].part * l->width;
            l->y = l->dot_y + kPlaces[p].dy;
            l->leads = kPlaces[p].leads;
            if (is_free(labels, l, bounds)) l->anchor = kPlaces[p].part > 0 ? "end" : "start";
            if (kPlaces[p].part == 0.5 && *l->anchor) l->anchor = "middle";
        }
    }
}

/* By its anchor, since nobody knows how wide the reader's font is. */
static double anchor_x(const lb_label *l) {
    return *l->anchor == 's' ? l->x : *l->anchor == 'e' ? l->x + l->width : l->x + l->width / 2;
}

void lb_labels_draw(FILE *file, const lb_labels *labels) {
    for (size_t i = 0; i < labels->count; i++) {
        const lb_label *l = &labels->items[i];
        if (!*l->anchor) continue;
        if (l->leads)
            lb_draw_line(file, l->dot_x, l->dot_y, anchor_x(l), l->y - (l->y < l->dot_y ? -DESCENT : ASCENT), "w");
        lb_draw_text(file, anchor_x(l), l->y, l->anchor, "n", l->name);
    }
}
