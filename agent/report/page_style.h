/*
 * The style of the page. Colours are named once, for light and for dark; paper is light.
 */
#ifndef EDGELAT_REPORT_PAGE_STYLE_H
#define EDGELAT_REPORT_PAGE_STYLE_H

extern const char page_style[];

#endif
