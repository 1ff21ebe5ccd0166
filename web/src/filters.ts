import { enhanceOnce } from './enhance.ts';

const INPUT_TYPES: Readonly<Record<string, string>> = { number: 'number', date: 'date' };

/** Shows only the operators that fit the chosen column, and the field that fits its type. */
enhanceOnce<HTMLFormElement>('form[data-filter-form]', (form) => {
  const column = form.querySelector<HTMLSelectElement>('select[name="add_column"]');
  const operator = form.querySelector<HTMLSelectElement>('select[name="add_op"]');
  const value = form.querySelector<HTMLInputElement>('input[name="add_value"]');
  if (!column || !operator || !value) return;

  const fit = (): void => {
    const type = column.selectedOptions[0]?.dataset['type'] ?? 'string';
    for (const option of operator.options) {
      const types = option.dataset['types']?.split(' ');
      const fits = !types || types.includes(type);
      option.hidden = !fits;
      option.disabled = !fits;
    }
    if (operator.selectedOptions[0]?.disabled ?? true) {
      operator.selectedIndex = [...operator.options].findIndex((option) => !option.disabled);
    }
    const inputType = INPUT_TYPES[type] ?? 'text';
    // A browser empties a field whose text does not fit its new type.
    if (value.type !== inputType) value.type = inputType;
    if (type === 'boolean') {
      value.pattern = 'true|false';
      value.title = 'true or false';
    } else {
      value.removeAttribute('pattern');
      value.removeAttribute('title');
    }
  };
  column.addEventListener('change', fit);
  fit();
});
