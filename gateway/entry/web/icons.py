"""The icons of the pages, on a grid of 16, drawn with the stroke of the text beside them."""

ICONS = {
    "alert": "M8 1.8 15 14H1ZM8 6v4M8 11.8v.4",
    "oct": "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2ZM8 4.6v4.2M8 11v.4",
    "circ": "M8 2a6 6 0 1 0 .01 0ZM8 7.2v3.6M8 5v.4",
    "clock": "M8 2a6 6 0 1 0 .01 0ZM8 4.8V8l2.4 1.6",
    "check": "M2.5 8.5 6 12l7.5-8",
    "doc": "M4 1.5h5.5L12.5 4.5v10H4ZM9.5 1.5v3h3M6 8h4.5M6 11h4.5",
    "send": "M1.8 7.8 14.2 2 9.8 14.2 7.3 9ZM7.3 9l6.9-7",
    "wave": "M1.5 8h3l2-5 3 10 2-5h3",
    "flow": "M2 12.5V9M6 12.5V5.5M10 12.5V8M14 12.5V3.5",
    "lock": "M4 7.5h8V14H4ZM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
    "home": "M2 8 8 2.5 14 8M3.8 6.8V14h8.4V6.8",
    "list": "M5.5 4h8.5M5.5 8h8.5M5.5 12h8.5M2 4h.6M2 8h.6M2 12h.6",
    "pause": "M5.5 3v10M10.5 3v10",
}
