"""The look of the page in Gradio's terms: deep blue on warm grey, light and dark."""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import colors, fonts, sizes

BLUE = colors.Color(
    name="official_blue",
    c50="#eef3f9",
    c100="#d9e4f1",
    c200="#b4c9e3",
    c300="#88a9d0",
    c400="#5a86ba",
    c500="#34659f",
    c600="#1f4e88",
    c700="#183f70",
    c800="#13325a",
    c900="#0f2746",
    c950="#0a1a30",
)
GREY = colors.Color(
    name="warm_grey",
    c50="#faf9f7",
    c100="#f3f1ed",
    c200="#e5e1da",
    c300="#cfc9bf",
    c400="#a39c90",
    c500="#787167",
    c600="#5a544c",
    c700="#423e38",
    c800="#2b2926",
    c900="#1e1d1b",
    c950="#151413",
)
# Fonts that the reader's own system has; nothing is fetched.
FONTS = (
    fonts.Font("PingFang SC"),
    fonts.Font("Hiragino Sans GB"),
    fonts.Font("Microsoft YaHei"),
    fonts.Font("Noto Sans CJK SC"),
    fonts.Font("Source Han Sans SC"),
    fonts.Font("WenQuanYi Micro Hei"),
    fonts.Font("sans-serif"),
)


def official_theme() -> Base:
    """The theme of the page; what Gradio has no variable for stands in ``static/page.css``."""
    theme = Base(
        primary_hue=BLUE,
        secondary_hue=BLUE,
        neutral_hue=GREY,
        text_size=sizes.text_md,
        radius_size=sizes.radius_sm,
        spacing_size=sizes.spacing_md,
        font=FONTS,
        font_mono=FONTS,
    )
    theme.name = "official"
    return theme.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_200",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_800",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_700",
        block_border_width="1px",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_300",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        input_background_fill="white",
        input_background_fill_dark="*neutral_800",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_600",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*primary_50",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_200",
        button_border_width="1px",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        loader_color="*primary_600",
        loader_color_dark="*primary_300",
    )
