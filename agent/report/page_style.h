/*
 * The style sheet of the page. Colours are defined once, for light and for dark mode;
 * print is light.
 */
#ifndef EDGELAT_REPORT_PAGE_STYLE_H
#define EDGELAT_REPORT_PAGE_STYLE_H

extern const char page_style[];

#endif
