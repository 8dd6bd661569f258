"""One module or package an API: everything that is known of it, as rows with their sources, and the form of its
answers. In a package, `reading` knows what they say to people and what they used."""
